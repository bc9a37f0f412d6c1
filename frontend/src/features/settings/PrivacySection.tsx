import { useInfiniteQuery } from "@tanstack/react-query";
import { Eye, KeyRound, ShieldAlert, UserRound } from "lucide-react";
import { useState } from "react";
import { useTexts } from "@/shared/i18n/texts";
import { useInstallation, useMe } from "@/shared/session/queries";
import { cx } from "@/shared/ui/cx";
import { Icon, type IconType } from "@/shared/ui/icons";
import { LoadMore } from "@/shared/ui/navigation";
import { ErrorState, LoadingBars, Refreshing } from "@/shared/ui/states";
import { Segmented } from "@/shared/ui/tabs";
import { When } from "@/shared/ui/values";
import { historyQuery } from "./api";
import { isAbout, type Kind, lineText } from "./history";
import { historyTexts } from "./history-texts";
import { SettingGroup } from "./parts";
import { settingsTexts } from "./texts";

type Line = Awaited<ReturnType<NonNullable<typeof historyQuery.queryFn>>>["items"][number];

export function PrivacySection() {
  return (
    <>
      <WhoSees />
      <History />
    </>
  );
}

function WhoSees() {
  const t = useTexts(settingsTexts);
  const me = useMe();
  const { data: installation } = useInstallation();
  if (installation?.kind === "single") return <SettingGroup id="who-sees" lead={t("seesSingle")} />;
  return (
    <SettingGroup id="who-sees">
      <div className="grid gap-x-10 gap-y-5 @2xl:grid-cols-2">
        <div>
          <h3 className="font-medium">{t("seesAlways")}</h3>
          <ul className="mt-1 list-disc pl-4 text-muted-foreground marker:text-border-strong">
            <li>{t("seesName")}</li>
            <li>{t("seesSignIns")}</li>
            <li>{t("seesAmount")}</li>
          </ul>
        </div>
        <div>
          <h3 className="font-medium">{t("seesNever")}</h3>
          <ul className="mt-1 list-disc pl-4 text-muted-foreground marker:text-border-strong">
            <li>{t("seesContent")}</li>
            <li>{t("seesPassword")}</li>
          </ul>
        </div>
      </div>
      <p className="mt-4 max-w-[38.5rem] text-muted-foreground">
        {t("seesBreakGlass")}{" "}
        {installation ? t(installation.owners_see_full_access ? "seesTold" : "seesNotTold") : null}{" "}
        {me.role === "admin" ? t("seesBreakGlassAdmin") : null}
      </p>
    </SettingGroup>
  );
}

function History() {
  const t = useTexts(settingsTexts);
  const history = useInfiniteQuery(historyQuery);
  const [kind, setKind] = useState<Kind>("all");
  const isHidden = useInstallation().data?.owners_see_full_access === false;
  const lines = history.data?.pages.flatMap((page) => page.items) ?? [];
  const shown = lines.filter((line) => isAbout(kind, line.action));
  return (
    <SettingGroup id="history" lead={t("historyLead")}>
      <Segmented
        label={t("historyShow")}
        items={[
          { value: "all", label: t("historyAll") },
          { value: "signIns", label: t("historySignIns") },
          { value: "access", label: t("historyAccess") },
        ]}
        value={kind}
        onChange={setKind}
        className="mb-2"
      />
      {history.isPending ? <LoadingBars rows={5} /> : null}
      {history.isError && !history.data ? (
        <ErrorState error={history.error} onRetry={() => void history.refetch()} />
      ) : null}
      {history.data ? (
        <Refreshing active={history.isRefetching}>
          {shown.length === 0 ? (
            <p className="border-t border-border-soft py-4 text-muted-foreground">
              {kind !== "access" ? t("historyNone") : isHidden ? t("historyAccessHidden") : t("historyNoAccess")}
            </p>
          ) : (
            <ol className="border-t border-border-soft">
              {shown.map((line) => (
                <HistoryLine key={line.id} line={line} />
              ))}
            </ol>
          )}
          <LoadMore
            loaded={lines.length}
            hasMore={history.hasNextPage}
            busy={history.isFetchingNextPage}
            onLoad={() => void history.fetchNextPage()}
          />
        </Refreshing>
      ) : null}
    </SettingGroup>
  );
}

function drawingOf(line: Line): IconType {
  if (line.action.startsWith("full_access.")) return Eye;
  if (line.action === "sign_in.failed" || line.action === "session.reuse_detected") return ShieldAlert;
  return /^(sign_in|session|password|totp|passkey|token|provider)\./.test(line.action) ? KeyRound : UserRound;
}

function HistoryLine({ line }: { line: Line }) {
  const t = useTexts(settingsTexts);
  const say = useTexts(historyTexts);
  const { id } = useMe();
  const isAccess = line.action.startsWith("full_access.content");
  const isWarning = isAccess || line.action === "sign_in.failed" || line.action === "session.reuse_detected";
  const reason = typeof line.details.reason === "string" ? line.details.reason : null;
  const by = line.actor && line.actor.id !== id ? t("byAdmin") : null;
  return (
    <li className="flex items-start gap-3 border-b border-border-soft py-2.5">
      <Icon icon={drawingOf(line)} className={cx("mt-0.5", isWarning ? "text-brass-text" : "text-faint")} />
      <span className="min-w-0 grow">
        <span className={cx(isWarning && "font-medium")}>{lineText(line, say)}</span>
        {line.subject?.name && line.subject.id !== id ? (
          <span className="text-muted-foreground"> {line.subject.name}</span>
        ) : null}
        <span className="num block text-xs text-muted-foreground">
          {[by, line.address, reason ? t("withReason", { reason }) : null].filter(Boolean).join(", ")}
        </span>
      </span>
      <When at={line.at} className="flex-none text-muted-foreground" />
    </li>
  );
}
