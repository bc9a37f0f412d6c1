import { useMutation } from "@tanstack/react-query";
import { api, read } from "../../api/client";
import type { Asking } from "../../api/proof";
import { askForPasskey } from "../passkeys";

export type Proof = { password: string } | { code: string } | "passkey";

export function useProve(asking: Asking) {
  return useMutation({
    meta: { shown: true },
    mutationFn: async (proof: Proof) => {
      if (proof !== "passkey") return read(api.POST("/api/v1/auth/prove", { body: proof }));
      const credential = await askForPasskey(await read(api.POST("/api/v1/auth/prove/passkey/options")));
      return read(api.POST("/api/v1/auth/prove/passkey", { body: { credential } }));
    },
    onSuccess: () => asking.settle(true),
  });
}
