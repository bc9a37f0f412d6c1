import { Navigate } from "@tanstack/react-router";
import { useMe } from "@/shared/session/queries";

export default function AdminIndex() {
  const section = useMe().role === "admin" ? "overview" : "users";
  return <Navigate to="/admin/$section" params={{ section } as never} replace />;
}
