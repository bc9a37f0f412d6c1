import type { ReactNode } from "react";
import { inTextLinkClass, Link } from "@/shared/frame/link";
import { formatDate } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import type { Receipt } from "@/shared/receipts/api";
import { receiptTexts } from "@/shared/receipts/texts";
import { useMe } from "@/shared/session/queries";
import { CopyButton } from "@/shared/ui/copy-button";
import { usageTexts } from "./texts";

/** Below the slip: where each of its numbers can be looked up. */
export function ReceiptTrace({ receipt, runId }: { receipt: Receipt; runId: string }) {
  const t = useTexts(usageTexts);
  const r = useTexts(receiptTexts);
  const locale = useLocale();
  const me = useMe();
  const { price_version: version, fx } = receipt;
  const isPriced = !receipt.is_free && receipt.sum !== null;
  const rateKey = `rateFrom.${fx?.source}`;
  const priceKey = `priceFrom.${version?.source}`;
  return (
    <section aria-label={t("traces")} className="mt-6 text-xs">
      <h3 className="font-semibold">{t("traces")}</h3>
      <dl className="mt-1 border-t border-border">
        {version && isPriced ? (
          <Trace label={t("tracePrice")}>
            <Linked to={me.role === "admin" ? `/admin/prices?id=${version.id}` : null}>
              {/* What came with Kontor has always been valid. */}
              {version.source === "bundled"
                ? (version.model ?? receipt.model)
                : t("tracePriceOf", {
                    model: version.model ?? receipt.model,
                    date: formatDate(version.valid_from, locale),
                  })}
            </Linked>
            {priceKey in usageTexts.en ? `, ${t(priceKey as "priceFrom.feed")}` : null}
          </Trace>
        ) : null}
        {receipt.sum === null ? (
          <Trace label={t("tracePrice")}>
            <Linked to={me.role === "admin" ? `/admin/prices?q=${encodeURIComponent(receipt.model)}` : null}>
              {t("traceNoPrice")}
            </Linked>
          </Trace>
        ) : null}
        {fx?.day && isPriced && rateKey in usageTexts.en ? (
          <Trace label={t("traceRate")}>
            <Linked to={me.role === "admin" ? "/admin/billing#exchange-rates" : null}>
              {t(rateKey as "rateFrom.ecb", { date: formatDate(`${fx.day}T12:00:00Z`, locale) })}
            </Linked>
          </Trace>
        ) : null}
        <Trace label={t("traceTokens")}>{r(`settled.${receipt.settled_as}`)}</Trace>
        {receipt.balance_after === null ? null : (
          <Trace label={t("traceBooking")}>
            <Linked to="/balance">{t("traceBookingText")}</Linked>
          </Trace>
        )}
        <Trace label={t("traceRequest")}>
          <span className="flex items-center gap-1">
            <span className="min-w-0 grow font-mono text-2xs break-all text-muted-foreground">{runId}</span>
            <CopyButton text={runId} label={t("copyRequest")} />
          </span>
        </Trace>
      </dl>
      <p className="mt-3 text-muted-foreground">{t("addUp")}</p>
    </section>
  );
}

function Trace({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="flex min-h-8 items-center gap-3 border-b border-border-soft py-1.5">
      <dt className="w-24 flex-none text-muted-foreground">{label}</dt>
      <dd className="min-w-0 grow">{children}</dd>
    </div>
  );
}

function Linked({ to, children }: { to: string | null; children: ReactNode }) {
  if (to === null) return children;
  const [path = "", hash] = to.split("#");
  const [pathname = "", query = ""] = path.split("?");
  return (
    <Link to={pathname} search={Object.fromEntries(new URLSearchParams(query))} hash={hash} className={inTextLinkClass}>
      {children}
    </Link>
  );
}
