import { Navigate } from "@tanstack/react-router";

export default function SettingsIndex() {
  return <Navigate to="/settings/$section" params={{ section: "profile" } as never} replace />;
}
