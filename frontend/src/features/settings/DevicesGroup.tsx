import { useQuery } from "@tanstack/react-query";
import { Laptop, Smartphone, Terminal } from "lucide-react";
import { useState } from "react";
import { useTexts } from "@/shared/i18n/texts";
import { clientName } from "@/shared/session/client-name";
import { Button } from "@/shared/ui/button";
import { AlertDialog } from "@/shared/ui/dialog";
import { FormProblem } from "@/shared/ui/form-problem";
import { Icon } from "@/shared/ui/icons";
import { Badge } from "@/shared/ui/marks";
import { ErrorState, LoadingBars, ProblemNotice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { When } from "@/shared/ui/values";
import { sessionsQuery, useEndOtherSessions, useEndSession } from "./api";
import { SettingGroup } from "./parts";
import { settingsTexts } from "./texts";

type Session = Awaited<ReturnType<NonNullable<typeof sessionsQuery.queryFn>>>["items"][number];

export function DevicesGroup() {
  const t = useTexts(settingsTexts);
  const sessions = useQuery(sessionsQuery);
  const end = useEndSession();
  const [isEndingAll, setEndingAll] = useState(false);
  const others = sessions.data?.items.filter((session) => !session.current).length ?? 0;
  return (
    <SettingGroup
      id="sessions"
      lead={t("devicesLead")}
      actions={
        others > 0 ? (
          <Button variant="danger" onClick={() => setEndingAll(true)}>
            {t("devicesEndAll")}
          </Button>
        ) : null
      }
    >
      <ProblemNotice error={end.error} className="mb-3" />
      {sessions.isPending ? <LoadingBars rows={2} /> : null}
      {sessions.isError && !sessions.data ? (
        <ErrorState error={sessions.error} onRetry={() => void sessions.refetch()} />
      ) : null}
      {sessions.data ? (
        <ul className="border-t border-border-soft">
          {sessions.data.items.map((session) => (
            <DeviceRow
              key={session.id}
              session={session}
              busy={end.isPending && end.variables === session.id}
              onEnd={(name) => end.mutate(session.id, { onSuccess: () => toast({ text: t("deviceEnded", { name }) }) })}
            />
          ))}
        </ul>
      ) : null}
      {isEndingAll ? <EndAll count={others} onClose={() => setEndingAll(false)} /> : null}
    </SettingGroup>
  );
}

function DeviceRow({ session, busy, onEnd }: { session: Session; busy: boolean; onEnd: (name: string) => void }) {
  const t = useTexts(settingsTexts);
  const client = clientName(session.client);
  const name = client.name || t("deviceUnknown");
  const drawing = session.kind === "api" || client.isProgram ? Terminal : client.isPhone ? Smartphone : Laptop;
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-border-soft py-2.5">
      <Icon icon={drawing} size={17} className="text-faint" />
      <span className="min-w-0 grow basis-40">
        <span className="flex flex-wrap items-center gap-2">
          <span className="truncate font-medium" title={session.client}>
            {name}
          </span>
          {session.current ? <Badge tone="primary">{t("deviceHere")}</Badge> : null}
          {session.kind === "api" ? <Badge>{t("deviceApi")}</Badge> : null}
        </span>
        <span className="num block text-xs text-muted-foreground">
          {session.current ? (
            t("deviceNow")
          ) : (
            <>
              {t("deviceSeen")} <When at={session.last_seen_at} />
            </>
          )}
          {session.address ? `, ${session.address}` : null}
          {", "}
          {t("deviceSince")} <When at={session.created_at} />
        </span>
      </span>
      {session.current ? null : (
        <Button size="sm" busy={busy} aria-label={t("deviceEndNamed", { name })} onClick={() => onEnd(name)}>
          {t("deviceEnd")}
        </Button>
      )}
    </li>
  );
}

function EndAll({ count, onClose }: { count: number; onClose: () => void }) {
  const t = useTexts(settingsTexts);
  const end = useEndOtherSessions();
  return (
    <AlertDialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={t("devicesEndAllTitle")}
      description={t("devicesEndAllText", { count })}
      action={t("devicesEndAll")}
      busy={end.isPending}
      onConfirm={() =>
        end.mutate(undefined, {
          onSuccess: ({ ended }) => {
            toast({ text: t("devicesEnded", { count: ended }) });
            onClose();
          },
        })
      }
    >
      <FormProblem error={end.error} />
    </AlertDialog>
  );
}
