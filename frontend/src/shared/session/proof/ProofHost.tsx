import { lazy, Suspense, useEffect } from "react";
import { onSessionEnd } from "../../api/client";
import { useAsking } from "../../api/proof";

const ProofDialog = lazy(() => import("./ProofDialog"));

/** Stands once beside the app, whatever screen sent the request that needs a proof. */
export function ProofHost() {
  const asking = useAsking();
  useEffect(() => onSessionEnd(() => asking?.settle(false)), [asking]);
  return asking ? (
    <Suspense>
      <ProofDialog asking={asking} />
    </Suspense>
  ) : null;
}
