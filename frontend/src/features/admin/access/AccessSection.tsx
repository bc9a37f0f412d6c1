import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { ShieldAlert } from "lucide-react";
import { useEffect, useState } from "react";
import { Link, textLinkClass } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { formatTime } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { meQuery, useMe } from "@/shared/session/queries";
import { Button } from "@/shared/ui/button";
import { Switch } from "@/shared/ui/choice";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Textarea } from "@/shared/ui/input";
import { ErrorState, LoadingBars, Notice } from "@/shared/ui/states";
import { Segmented } from "@/shared/ui/tabs";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { AuditFeed } from "../audit/AuditFeed";
import { auditQuery } from "../audit/api";
import { configurationTexts } from "../configuration/texts";
import { useSaveNow, WithConfiguration } from "../configuration/use-configuration";
import { Group } from "../parts";
import { type Access, accessQuery, useEndAccess, useStartAccess } from "./api";
import { accessTexts } from "./texts";

export function AccessSection() {
  const t = useTexts(accessTexts);
  const access = useQuery(accessQuery);
  const me = useMe();
  const client = useQueryClient();
  const hasEnded = access.data === null && me.full_access !== null;
  // Its time ran out while we looked: the frame has to know as well.
  useEffect(() => {
    if (hasEnded) void client.invalidateQueries({ queryKey: meQuery.queryKey });
  }, [hasEnded, client]);
  return (
    <Screen title={t("title")} width="form">
      <Group id="break-glass" lead={t("lead")}>
        {access.isPending ? <LoadingBars rows={4} /> : null}
        {access.isError && access.data === undefined ? (
          <ErrorState error={access.error} onRetry={() => void access.refetch()} />
        ) : null}
        {access.data === undefined ? null : access.data ? <Active access={access.data} /> : <Start />}
      </Group>
      <Group title={t("rules")}>
        <ul className="border-t border-border-soft">
          {(["rule1", "rule2", "rule3", "rule4"] as const).map((rule) => (
            <li key={rule} className="border-b border-border-soft py-2 text-muted-foreground">
              {t(rule)}
            </li>
          ))}
        </ul>
      </Group>
      <Owners />
      <Recent />
    </Screen>
  );
}

function Active({ access }: { access: Access }) {
  const t = useTexts(accessTexts);
  const locale = useLocale();
  const end = useEndAccess();
  return (
    <>
      <FormProblem error={end.error} className="mb-3" />
      <Notice
        tone="brick"
        icon={ShieldAlert}
        title={t("active")}
        action={
          <Button
            busy={end.isPending}
            onClick={() => end.mutate(undefined, { onSuccess: () => toast({ text: t("ended") }) })}
          >
            {t("end")}
          </Button>
        }
      >
        <p>{t("activeText", { time: formatTime(access.until, locale) })}</p>
        <p>
          {t("because")}: {access.reason}
        </p>
      </Notice>
    </>
  );
}

const spans = ["15", "60", "240", "480"] as const;

function Start() {
  const t = useTexts(accessTexts);
  const start = useStartAccess();
  const [minutes, setMinutes] = useState<(typeof spans)[number]>("60");
  const { form, field } = useForm({
    initial: { reason: "" },
    problem: start.error,
    check: ({ reason }) => ({
      reason: reason.trim().length < 10 ? t("reasonShort") : reason.trim().length > 500 ? t("reasonLong") : undefined,
    }),
    onSubmit: ({ reason }) => start.mutate({ reason: reason.trim(), minutes: Number(minutes) }),
  });
  const reason = field("reason");
  return (
    <form {...form} className="flex max-w-[38.5rem] flex-col gap-4">
      <FormProblem error={start.error} fields={["reason"]} />
      <Field label={t("reason")} help={t("reasonHelp")} error={reason.error}>
        <Textarea {...reason.control} rows={3} />
      </Field>
      <div className="flex flex-col gap-1.5">
        <span className="font-medium">{t("minutes")}</span>
        <Segmented
          label={t("minutes")}
          value={minutes}
          onChange={setMinutes}
          items={spans.map((value) => ({ value, label: t(`minutes.${value}`) }))}
        />
      </div>
      <div>
        <Button type="submit" variant="destructive" icon={ShieldAlert} busy={start.isPending}>
          {t("start")}
        </Button>
      </div>
    </form>
  );
}

function Owners() {
  const t = useTexts(configurationTexts);
  const save = useSaveNow();
  return (
    <Group id="owners-see">
      <WithConfiguration>
        {({ owners_see_full_access: shown }) => (
          <Switch
            label={t("ownersTitle")}
            help={t("ownersHelp")}
            checked={shown}
            onChange={(next) =>
              save(
                { owners_see_full_access: next },
                { owners_see_full_access: shown },
                next ? t("ownersOn") : t("ownersOff"),
              )
            }
          />
        )}
      </WithConfiguration>
    </Group>
  );
}

function Recent() {
  const t = useTexts(accessTexts);
  const lines = useInfiniteQuery(auditQuery({ action: "full_access" }, 8));
  const items = lines.data?.pages[0]?.items;
  return (
    <Group
      title={t("recent")}
      actions={
        <Link to="/admin/audit" search={{ action: "full_access" }} className={textLinkClass}>
          {t("recentAll")}
        </Link>
      }
    >
      {lines.isPending ? <LoadingBars rows={3} /> : null}
      {lines.isError && !items ? <ErrorState error={lines.error} onRetry={() => void lines.refetch()} /> : null}
      {items ? <AuditFeed lines={items} empty={t("recentNone")} /> : null}
    </Group>
  );
}
