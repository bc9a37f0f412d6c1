import { useQuery } from "@tanstack/react-query";
import { useLocation, useSearch } from "@tanstack/react-router";
import { CircleAlert, CircleCheck } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { inTextLinkClass, Link } from "@/shared/frame/link";
import { useTexts } from "@/shared/i18n/texts";
import { installationQuery, meQuery } from "@/shared/session/queries";
import { PRODUCT_NAME } from "@/shared/ui/logo";
import { ErrorState, Notice } from "@/shared/ui/states";
import { type Credentials, useSignIn } from "./api";
import { CodeStep } from "./CodeStep";
import { CredentialsStep } from "./CredentialsStep";
import { OtherWays } from "./OtherWays";
import { Command, EntrancePage, FormSkeleton, useEnter } from "./parts";
import { authTexts } from "./texts";

export interface LoginSearch {
  next?: string;
  /** 1 when the link in the mail confirmed the address, 0 when it did not. */
  verified?: number;
  error?: string;
}

export default function LoginScreen() {
  const t = useTexts(authTexts);
  const search: LoginSearch = useSearch({ strict: false });
  const installation = useQuery(installationQuery);
  const me = useQuery(meQuery);
  const enter = useEnter();
  const signIn = useSignIn();
  const [waiting, setWaiting] = useState<Credentials | null>(null);
  const { pathname } = useLocation();

  const entered = useRef(false);
  useEffect(() => {
    if (!me.data || entered.current || pathname !== "/login") return;
    entered.current = true;
    enter(me.data, search.next);
  }, [me.data, enter, search.next, pathname]);

  const send = (credentials: Credentials) =>
    signIn.mutate(credentials, {
      onError: (error) => {
        if (isProblem(error, "auth.code_required")) setWaiting(credentials);
      },
    });

  if (waiting) {
    return (
      <EntrancePage title={t("codeTitle")} lead={t("codeLead")}>
        <CodeStep
          busy={signIn.isPending || signIn.isSuccess}
          problem={isProblem(signIn.error, "auth.code_required") ? null : signIn.error}
          onSubmit={(code) => send({ ...waiting, code })}
          onBack={() => {
            setWaiting(null);
            signIn.reset();
          }}
        />
      </EntrancePage>
    );
  }

  const here = installation.data;
  const isSingle = here?.kind === "single";
  return (
    <EntrancePage
      title={t("signIn")}
      lead={here && here.name !== PRODUCT_NAME ? t("signInAt", { name: here.name }) : undefined}
    >
      {signIn.isIdle ? <Arrival search={search} approval={here?.registration === "approval"} /> : null}
      {installation.isPending ? <FormSkeleton /> : null}
      {installation.isError && !here ? (
        <ErrorState error={installation.error} onRetry={() => void installation.refetch()} className="pt-0" />
      ) : null}
      {here ? (
        <>
          {here.password_sign_in ? (
            <CredentialsStep
              busy={signIn.isPending || signIn.isSuccess}
              problem={isProblem(signIn.error, "auth.code_required") ? null : signIn.error}
              onSubmit={send}
              canReset={here.kind === "multi" || here.mail_configured}
            />
          ) : null}
          <OtherWays installation={here} next={search.next} hasForm={here.password_sign_in} />
          {isSingle ? <SingleHint hasForm={here.password_sign_in} /> : null}
          {here.kind === "multi" && here.registration !== "closed" ? (
            <p className="mt-6 text-muted-foreground">
              {t("noAccount")}{" "}
              <Link to="/register" className={inTextLinkClass}>
                {t("register")}
              </Link>
            </p>
          ) : null}
        </>
      ) : null}
    </EntrancePage>
  );
}

/** What brought the person here, when that is worth a sentence. */
function Arrival({ search, approval }: { search: LoginSearch; approval: boolean }) {
  const t = useTexts(authTexts);
  if (search.verified === 1) {
    return (
      <Notice icon={CircleCheck} className="mb-5">
        {approval ? t("verifiedApproval") : t("verified")}
      </Notice>
    );
  }
  if (search.verified === 0) {
    return (
      <Notice tone="brass" icon={CircleAlert} className="mb-5">
        {t("notVerified")}
      </Notice>
    );
  }
  if (search.error) {
    return (
      <Notice tone="brick" icon={CircleAlert} className="mb-5">
        {t("providerFailed")}
      </Notice>
    );
  }
  return null;
}

/** One person's Kontor opens with the link that it prints. */
function SingleHint({ hasForm }: { hasForm: boolean }) {
  const t = useTexts(authTexts);
  if (!hasForm) {
    return (
      <div>
        <p>{t("singleOnlyText")}</p>
        <p className="mt-3">{t("newLink")}</p>
        <Command>./kontor login-link</Command>
      </div>
    );
  }
  return (
    <section className="mt-8 border-t border-border-soft pt-5">
      <h2 className="font-semibold">{t("singleTitle")}</h2>
      <p className="mt-1 text-muted-foreground">{t("singleText")}</p>
      <Command>./kontor login-link</Command>
    </section>
  );
}
