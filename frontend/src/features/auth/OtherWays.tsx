import { Fingerprint, LogIn } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { Schemas } from "@/shared/api/client";
import { isProblem } from "@/shared/api/problem";
import { useTexts } from "@/shared/i18n/texts";
import { canOfferPasskeysInField, canUsePasskeys, PasskeyDismissed } from "@/shared/session/passkeys";
import { Button } from "@/shared/ui/button";
import { FormProblem } from "@/shared/ui/form-problem";
import { readPasskeyOptions, useSignInByPasskey } from "./api";
import { safeNext } from "./next";
import { OrLine } from "./parts";
import { authTexts } from "./texts";

// The server forgets what it asked after a few minutes, while this page may stay open all night.
const ASK_AGAIN_MS = 4 * 60_000;

/** Passkeys and single sign-on, as far as this browser, this address and this installation have them. */
export function OtherWays({
  installation,
  next,
  hasForm,
}: {
  installation: Schemas["InstallationRead"];
  next: string | undefined;
  hasForm: boolean;
}) {
  const t = useTexts(authTexts);
  const passkey = usePasskeyWay();
  const target = safeNext(next);
  if (!passkey.isPossible && installation.oidc.length === 0) return null;
  return (
    <>
      {hasForm ? <OrLine /> : null}
      <div className="flex flex-col gap-2 [&+div]:mt-6">
        <FormProblem error={passkey.error} />
        {passkey.isPossible ? (
          <Button size="lg" icon={Fingerprint} busy={passkey.isBusy} onClick={passkey.start} className="w-full">
            {t("withPasskey")}
          </Button>
        ) : null}
        {installation.oidc.map((provider) => (
          <Button
            key={provider.id}
            size="lg"
            icon={LogIn}
            className="w-full"
            // A real page load: the way leads over the provider's own pages.
            render={
              <a href={`/api/v1/auth/oidc/${encodeURIComponent(provider.id)}?next=${encodeURIComponent(target)}`} />
            }
          >
            {t("withProvider", { name: provider.label })}
          </Button>
        ))}
      </div>
    </>
  );
}

function usePasskeyWay() {
  const [isPossible, setPossible] = useState(canUsePasskeys);
  const { mutate, mutateAsync, isPending, isSuccess, error, variables } = useSignInByPasskey();
  const inField = useRef<AbortController | null>(null);

  // The browser shows passkeys in the list under the e-mail field for as long as a question is open.
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      inField.current?.abort();
      if (isOver || !(await canOfferPasskeysInField())) return;
      const question = new AbortController();
      inField.current = question;
      timer = setTimeout(() => void ask(), ASK_AGAIN_MS);
      try {
        const options = await readPasskeyOptions(question.signal);
        if (!isOver) await mutateAsync({ options, inField: true, signal: question.signal });
      } catch (failure) {
        if (isProblem(failure, "auth.passkeys_unavailable")) setPossible(false);
      }
    };
    void ask();
    return () => {
      isOver = true;
      clearTimeout(timer);
      inField.current?.abort();
    };
  }, [mutateAsync]);

  const isQuiet =
    error instanceof PasskeyDismissed ||
    (error instanceof DOMException && error.name === "AbortError") ||
    isProblem(error, "auth.passkeys_unavailable");
  return {
    isPossible,
    isBusy: (isPending && !variables.inField) || isSuccess,
    // What the browser was asked in the background failed for nobody; a refusal by the server is about a choice.
    error: isQuiet || (variables?.inField && !isProblem(error)) ? null : error,
    start: () => {
      inField.current?.abort();
      mutate(
        {},
        {
          onError: (failure) => {
            if (isProblem(failure, "auth.passkeys_unavailable")) setPossible(false);
          },
        },
      );
    },
  };
}
