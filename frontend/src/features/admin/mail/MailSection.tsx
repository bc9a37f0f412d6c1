import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { CircleX, Clock, Eye, MailWarning, RotateCcw, Send } from "lucide-react";
import { useState } from "react";
import { problemText, useProblemTexts } from "@/shared/api/texts";
import { Screen } from "@/shared/frame/sheet";
import { formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { type Say, useTexts } from "@/shared/i18n/texts";
import { useMe } from "@/shared/session/queries";
import { Button } from "@/shared/ui/button";
import { CopyButton } from "@/shared/ui/copy-button";
import { cx } from "@/shared/ui/cx";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { StateMark } from "@/shared/ui/marks";
import { LoadMore } from "@/shared/ui/navigation";
import { FactRow, Facts } from "@/shared/ui/section";
import { EmptyState, ErrorState, LoadingBars, Notice, Refreshing } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { When } from "@/shared/ui/values";
import { statsQuery } from "../overview/api";
import {
  Filters,
  FilterToggle,
  moveBetweenRows,
  Panel,
  PanelGroup,
  PanelHead,
  rowButtonClass,
  stickyClass,
  stickyRowClass,
} from "../parts";
import { useChosen, useFilters } from "../search";
import { adminTexts } from "../texts";
import { type Mail, type MailState, mailQuery, mailStates, mailsQuery, useRetryMail, useTestMail } from "./api";
import { firstLink } from "./links";
import { mailTexts } from "./texts";

function kindText(template: string, t: Say<(typeof mailTexts)["en"]>): string {
  const key = `template.${template}`;
  return key in mailTexts.en ? t(key as "template.invite") : template;
}

function MailMark({ state }: { state: MailState }) {
  const t = useTexts(mailTexts);
  const looks = {
    queued: { tone: "neutral", icon: Clock },
    sent: { tone: "neutral" },
    failed: { tone: "brick", icon: CircleX },
    shown: { tone: "neutral", icon: Eye },
  } as const;
  return <StateMark {...looks[state]}>{t(`state.${state}`)}</StateMark>;
}

export function MailSection() {
  const t = useTexts(mailTexts);
  const [filters, change] = useFilters();
  const state = mailStates.find((known) => known === filters.state);
  const mails = useInfiniteQuery({ ...mailsQuery(state), placeholderData: (before) => before });
  const stats = useQuery(statsQuery);
  const [chosen, choose] = useChosen();
  const [testing, setTesting] = useState(false);
  const items = mails.data?.pages.flatMap((page) => page.items) ?? [];
  const mail = items.find(({ id }) => id === chosen);
  return (
    <Screen
      title={t("title")}
      actions={
        <Button id="test-mail" icon={Send} onClick={() => setTesting(true)}>
          {t("test")}
        </Button>
      }
      below={<MailFilters state={state} onChange={(next) => change({ state: next })} />}
    >
      {stats.data && !stats.data.mail.configured ? (
        <Notice icon={MailWarning} tone="brass" title={t("noServer")} className="mt-4 mb-2">
          {t("noServerText")}
        </Notice>
      ) : null}
      {mails.isPending ? <LoadingBars rows={6} /> : null}
      {mails.isError && !mails.data ? <ErrorState error={mails.error} onRetry={() => void mails.refetch()} /> : null}
      {mails.data && items.length === 0 ? (
        <EmptyState
          title={state ? t("noneFiltered") : t("none")}
          action={state ? <Button onClick={() => change({ state: undefined })}>{t("clear")}</Button> : null}
        >
          {state ? null : t("noneText")}
        </EmptyState>
      ) : null}
      {items.length > 0 ? (
        <Refreshing active={mails.isPlaceholderData}>
          <MailTable mails={items} chosen={chosen} onChoose={(each) => choose(each.id)} />
          <LoadMore
            loaded={items.length}
            hasMore={mails.hasNextPage}
            busy={mails.isFetchingNextPage}
            onLoad={() => void mails.fetchNextPage()}
          />
        </Refreshing>
      ) : null}
      {mail ? <MailPanel mail={mail} /> : null}
      {testing ? <TestDialog onClose={() => setTesting(false)} onSent={(id) => choose(id)} /> : null}
    </Screen>
  );
}

function MailFilters({
  state,
  onChange,
}: {
  state: MailState | undefined;
  onChange: (state: MailState | undefined) => void;
}) {
  const t = useTexts(mailTexts);
  const locale = useLocale();
  const { data: stats } = useQuery(statsQuery);
  const counts: Partial<Record<MailState, number>> = stats
    ? { queued: stats.mail.queued, failed: stats.mail.failed }
    : {};
  return (
    <div className="border-b border-border pb-3">
      <Filters label={t("byState")}>
        <FilterToggle pressed={!state} onChange={() => onChange(undefined)}>
          {t("all")}
        </FilterToggle>
        {mailStates.map((each) => (
          <FilterToggle
            key={each}
            pressed={state === each}
            count={counts[each] === undefined ? undefined : formatNumber(counts[each], {}, locale)}
            onChange={() => onChange(state === each ? undefined : each)}
          >
            {t(`state.${each}`)}
          </FilterToggle>
        ))}
      </Filters>
    </div>
  );
}

function MailTable({
  mails,
  chosen,
  onChoose,
}: {
  mails: readonly Mail[];
  chosen: string | null;
  onChoose: (mail: Mail) => void;
}) {
  const t = useTexts(mailTexts);
  return (
    <Table caption={t("table")} onKeyDown={moveBetweenRows}>
      <TableHead>
        <Th className={cx(stickyClass, "min-w-44")}>{t("to")}</Th>
        <Th className="hidden @2xl:table-cell">{t("subject")}</Th>
        <Th>{t("state")}</Th>
        <Th className="hidden @4xl:table-cell">{t("kind")}</Th>
        <Th right className="hidden @xl:table-cell">
          {t("created")}
        </Th>
      </TableHead>
      <tbody>
        {mails.map((mail) => {
          const isChosen = mail.id === chosen;
          return (
            <Tr
              key={mail.id}
              selected={isChosen}
              className="group cursor-default"
              onClick={(event) => {
                if (!(event.target as HTMLElement).closest("button")) onChoose(mail);
              }}
            >
              <Td className={cx(stickyRowClass(isChosen), "max-w-64 py-1")}>
                <button
                  type="button"
                  data-row
                  title={mail.to}
                  className={cx(rowButtonClass, "block max-w-full truncate")}
                  aria-current={isChosen ? "true" : undefined}
                  onClick={() => onChoose(mail)}
                >
                  {mail.to}
                </button>
                <span className="block truncate text-xs text-faint @2xl:hidden">{mail.subject}</span>
              </Td>
              <Td className="hidden max-w-80 truncate text-muted-foreground @2xl:table-cell">{mail.subject}</Td>
              <Td>
                <MailMark state={mail.state} />
              </Td>
              <Td className="hidden whitespace-nowrap text-muted-foreground @4xl:table-cell">
                {kindText(mail.template, t)}
              </Td>
              <Td right className="hidden text-muted-foreground @xl:table-cell">
                <When at={mail.created_at} />
              </Td>
            </Tr>
          );
        })}
      </tbody>
    </Table>
  );
}

function MailPanel({ mail }: { mail: Mail }) {
  const t = useTexts(mailTexts);
  const a = useTexts(adminTexts);
  const say = useProblemTexts();
  const retry = useRetryMail();
  const { data: stats } = useQuery(statsQuery);
  // What was only shown can be sent once there is a server that would take it.
  const canRetry = mail.state === "failed" || (mail.state === "shown" && stats?.mail.configured);
  const again = () =>
    retry.mutate(mail.id, {
      onSuccess: () => toast({ text: t("retried", { to: mail.to }) }),
      onError: (error) => {
        const { title, advice } = problemText(error, say);
        toast({ text: `${title} ${advice}`.trim() });
      },
    });
  return (
    <Panel of={mail.id} title={mail.subject}>
      <PanelHead title={mail.subject} subtitle={mail.to} />
      {mail.state === "failed" ? (
        <Notice tone="brass" icon={CircleX} title={t("failedBecause")} className="mb-4">
          {mail.error ?? mail.error_code}
        </Notice>
      ) : null}
      {canRetry ? (
        <div className="pb-4">
          <Button icon={RotateCcw} busy={retry.isPending} onClick={again}>
            {t("retry")}
          </Button>
        </div>
      ) : null}
      <Facts>
        <FactRow label={t("state")}>
          <MailMark state={mail.state} />
        </FactRow>
        <FactRow label={t("kind")}>{kindText(mail.template, t)}</FactRow>
        <FactRow label={t("language")}>{mail.language === "de" ? a("german") : a("english")}</FactRow>
        <FactRow label={t("created")}>
          <When at={mail.created_at} look="full" />
        </FactRow>
        {mail.sent_at ? (
          <FactRow label={t("sent")}>
            <When at={mail.sent_at} look="full" />
          </FactRow>
        ) : null}
        {mail.attempts > 0 ? (
          <FactRow label={t("attempts")}>
            <span className="num">{mail.attempts}</span>
          </FactRow>
        ) : null}
      </Facts>
      <MailText key={mail.id} mail={mail} />
    </Panel>
  );
}

/** Mails hold keys to accounts; reading one is a deed, done by button and noted. */
function MailText({ mail }: { mail: Mail }) {
  const t = useTexts(mailTexts);
  const [asked, setAsked] = useState(false);
  const whole = useQuery({ ...mailQuery(mail.id), enabled: asked });
  if (!asked) {
    return (
      <div className="mt-6 flex flex-wrap items-center gap-3">
        <Button icon={Eye} onClick={() => setAsked(true)}>
          {t("open")}
        </Button>
        <span className="text-muted-foreground">{t("openNoted")}</span>
      </div>
    );
  }
  if (whole.isPending) return <LoadingBars rows={5} className="mt-6" />;
  if (whole.isError) return <ErrorState error={whole.error} onRetry={() => void whole.refetch()} />;
  const link = firstLink(whole.data.text);
  return (
    <>
      {link ? (
        <PanelGroup title={t("link")} actions={<CopyButton text={link} label={t("copyLink")} withWord />}>
          <p className="mt-1 rounded-sm border border-border bg-sunken px-3 py-2 font-mono text-xs break-all select-all">
            {link}
          </p>
        </PanelGroup>
      ) : null}
      <PanelGroup title={t("text")} actions={<CopyButton text={whole.data.text} label={t("copyText")} />}>
        <div
          lang={mail.language}
          className="mt-1 border-t border-border-soft pt-3 whitespace-pre-wrap [overflow-wrap:anywhere]"
        >
          {whole.data.text}
        </div>
      </PanelGroup>
    </>
  );
}

function TestDialog({ onClose, onSent }: { onClose: () => void; onSent: (id: string) => void }) {
  const t = useTexts(mailTexts);
  const a = useTexts(adminTexts);
  const me = useMe();
  const { language } = useLocale();
  const test = useTestMail();
  const { form, field } = useForm({
    initial: { to: me.email ?? "" },
    problem: test.error,
    check: ({ to }) => ({ to: /^[^\s@]+@[^\s@]+$/.test(to.trim()) ? undefined : t("emailWrong") }),
    onSubmit: ({ to }) =>
      test.mutate(
        { to: to.trim(), language },
        {
          onSuccess: (mail) => {
            toast({ text: mail.state === "shown" ? t("testShown") : t("testQueued", { to: mail.to }) });
            onSent(mail.id);
            onClose();
          },
        },
      ),
  });
  const to = field("to");
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("test")}
      description={t("testHelp")}
      width="sm"
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {a("cancel")}
          </Button>
          <Button type="submit" form="test-mail-form" variant="primary" busy={test.isPending}>
            {t("testSend")}
          </Button>
        </>
      }
    >
      <form {...form} id="test-mail-form" className="flex flex-col gap-3">
        <FormProblem error={test.error} fields={["to"]} />
        <Field label={t("testTo")} error={to.error}>
          <Input {...to.control} type="email" autoComplete="email" autoCapitalize="none" spellCheck={false} />
        </Field>
      </form>
    </Dialog>
  );
}
