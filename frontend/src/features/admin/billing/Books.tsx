import { useQuery } from "@tanstack/react-query";
import { formatDateTime, formatMoney, formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { formatDollars } from "@/shared/models/price";
import { Button } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { FormProblem } from "@/shared/ui/form-problem";
import { StateMark } from "@/shared/ui/marks";
import { FactRow, Facts } from "@/shared/ui/section";
import { ErrorState, LoadingBars } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { toast } from "@/shared/ui/toast";
import { When } from "@/shared/ui/values";
import { Group } from "../parts";
import { type Billing, type Proof, proofsQuery, useProve } from "./api";
import { billingTexts } from "./texts";

const counted = ["wallets", "entries", "postings", "open_holds"] as const;

/** The proof of each night: what it counted, and what did not agree. */
export function Books({ billing }: { billing: Billing }) {
  const t = useTexts(billingTexts);
  const proofs = useQuery(proofsQuery);
  const prove = useProve();
  const [last] = proofs.data ?? [];
  return (
    <Group
      id="books"
      lead={t("booksLead")}
      actions={
        <Button
          busy={prove.isPending}
          onClick={() => prove.mutate(undefined, { onSuccess: () => toast({ text: t("proving") }) })}
        >
          {t("proveNow")}
        </Button>
      }
    >
      <FormProblem error={prove.error} className="mb-3" />
      {proofs.isPending ? <LoadingBars rows={4} /> : null}
      {proofs.isError && !proofs.data ? (
        <ErrorState error={proofs.error} onRetry={() => void proofs.refetch()} />
      ) : null}
      {proofs.data && !last ? <p className="text-muted-foreground">{t("neverProved")}</p> : null}
      {last ? (
        <>
          <Result proof={last} currency={billing.currency} />
          <Nights proofs={proofs.data ?? []} />
        </>
      ) : null}
    </Group>
  );
}

function Result({ proof, currency }: { proof: Proof; currency: string }) {
  const t = useTexts(billingTexts);
  const locale = useLocale();
  const { debt_nano: debt = 0, provider_usd_nano: dollars = 0 } = proof.checked;
  return (
    <>
      <Facts>
        <FactRow label={t("result")}>
          <span className="flex flex-wrap items-center gap-x-3">
            <StateMark tone={proof.is_sound ? "primary" : "brick"}>
              {proof.is_sound ? t("sound") : t("unsound", { count: proof.findings.length })}
            </StateMark>
            <span className="text-muted-foreground">
              <When at={proof.at} look="full" />
            </span>
          </span>
        </FactRow>
        {counted.map((name) => (
          <FactRow key={name} label={t(`checked.${name}`)}>
            <span className="num">{formatNumber(proof.checked[name] ?? 0, {}, locale)}</span>
          </FactRow>
        ))}
        <FactRow label={t("checked.debt_nano")}>
          <span className="num">{formatMoney(debt, currency, {}, locale)}</span>
        </FactRow>
        <FactRow label={t("checked.provider_usd_nano")}>
          <span className="num">{formatDollars(dollars, locale)}</span>
        </FactRow>
      </Facts>
      {proof.findings.length > 0 ? <Findings proof={proof} /> : null}
    </>
  );
}

function Findings({ proof }: { proof: Proof }) {
  const t = useTexts(billingTexts);
  return (
    <div className="mt-4">
      <p className="mb-2 text-brick-text">{t("findingsText")}</p>
      <Table caption={t("findings")}>
        <TableHead>
          <Th>{t("finding")}</Th>
          <Th>{t("subject")}</Th>
          <Th right>{t("expected")}</Th>
          <Th right>{t("found")}</Th>
        </TableHead>
        <tbody>
          {proof.findings.map(({ check = "", subject, expected, found }) => {
            const key = `check.${check}`;
            return (
              <Tr key={`${check} ${subject}`}>
                <Td className="py-2">{key in billingTexts.en ? t(key as "check.entries_are_balanced") : check}</Td>
                <Td className="font-mono text-2xs break-all text-muted-foreground">{subject}</Td>
                <Td right>{expected}</Td>
                <Td right className="font-medium text-brick-text">
                  {found}
                </Td>
              </Tr>
            );
          })}
        </tbody>
      </Table>
    </div>
  );
}

/** One tick for each proof, the newest at the right. */
function Nights({ proofs }: { proofs: readonly Proof[] }) {
  const t = useTexts(billingTexts);
  const locale = useLocale();
  if (proofs.length < 2) return null;
  const bad = proofs.filter(({ is_sound }) => !is_sound).length;
  const words = t("nights", { count: proofs.length, bad });
  return (
    <div className="mt-4 flex flex-wrap items-center gap-x-4 gap-y-1.5">
      <span role="img" aria-label={words} className="flex h-4 gap-[3px]">
        {proofs.toReversed().map(({ id, at, is_sound }) => (
          <span
            key={id}
            title={formatDateTime(at, locale)}
            className={cx("w-1.5 rounded-[1px]", is_sound ? "bg-primary-line" : "bg-destructive")}
          />
        ))}
      </span>
      <span className="text-xs text-muted-foreground">{words}</span>
    </div>
  );
}
