import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { Link } from "@/shared/frame/link";
import { useTexts } from "@/shared/i18n/texts";
import { installationQuery } from "@/shared/session/queries";
import { Button } from "@/shared/ui/button";
import { Spinner, useLate } from "@/shared/ui/spinner";
import { ErrorState } from "@/shared/ui/states";
import { useSignInByLink } from "./api";
import { Command, EntrancePage, useEnter } from "./parts";
import { authTexts } from "./texts";

const tokenInAddress = () => new URLSearchParams(location.hash.slice(1)).get("token") ?? "";

/** Where the printed link leads. Its token stands behind the #, so no server, proxy or history keeps it. */
export default function LinkScreen() {
  const t = useTexts(authTexts);
  const [token] = useState(tokenInAddress);
  const { mutate, error, isPending } = useSignInByLink();
  const enter = useEnter();
  const begun = useRef(false);
  const late = useLate(isPending, 400);

  const signIn = () => mutate(token, { onSuccess: ({ me }) => enter(me) });
  const begin = useRef(signIn);
  begin.current = signIn;
  useEffect(() => {
    // Once, also where React runs effects twice: the second use of a link is refused.
    if (begun.current || !token) return;
    begun.current = true;
    window.history.replaceState(window.history.state, "", location.pathname);
    begin.current();
  }, [token]);

  if (!token) return <DeadLink title={t("linkMissing")} text={t("linkMissingText")} />;
  if (isProblem(error) && [400, 401, 404, 410].includes(error.status)) {
    return <DeadLink title={t("linkFailed")} text={t("linkFailedText")} />;
  }
  if (error) {
    return (
      <EntrancePage title={t("linkNoAnswer")}>
        <ErrorState error={error} onRetry={signIn} className="pt-0" />
      </EntrancePage>
    );
  }
  return (
    <EntrancePage title={t("linkWorking")}>
      <p role="status" className="flex h-5 items-center gap-2 text-muted-foreground">
        {late ? <Spinner size={15} /> : null}
        <span className={late ? undefined : "sr-only"}>{t("linkWorking")}</span>
      </p>
    </EntrancePage>
  );
}

function DeadLink({ title, text }: { title: string; text: string }) {
  const t = useTexts(authTexts);
  const { data: here } = useQuery(installationQuery);
  return (
    <EntrancePage title={title} lead={text}>
      <p>{t("newLink")}</p>
      <Command>./kontor login-link</Command>
      {here?.password_sign_in || here?.oidc.length ? (
        <Button size="lg" className="mt-6" render={<Link to="/login" />}>
          {t("toSignIn")}
        </Button>
      ) : null}
    </EntrancePage>
  );
}
