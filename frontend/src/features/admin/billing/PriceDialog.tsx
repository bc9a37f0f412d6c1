import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { Checkbox } from "@/shared/ui/choice";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { Select } from "@/shared/ui/select";
import { Notice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { providersQuery } from "../providers/api";
import { type Price, useSetPrice } from "./api";
import { readDecimal, toNano, writeDecimal } from "./numbers";
import { billingTexts } from "./texts";

const classes = ["input", "cached", "output"] as const;

/** A price of the house's own, which comes before that of the list. An odd one is asked about once more. */
export function PriceDialog({ price, onClose }: { price: Price | null; onClose: () => void }) {
  const t = useTexts(billingTexts);
  const locale = useLocale();
  const set = useSetPrice();
  const { data } = useQuery(providersQuery);
  const kinds = data?.kinds.map(({ kind, label }) => ({ value: kind, label })) ?? [];
  const [provider, setProvider] = useState(price?.provider ?? null);
  const [isFree, setFree] = useState(price?.is_free ?? false);
  const isOdd = isProblem(set.error, "billing.price_refused");
  const shown = (name: (typeof classes)[number]) => {
    const nano = price?.prices[name];
    return nano === undefined ? "" : writeDecimal(nano / 1e9, locale);
  };
  const wrong = (text: string, needed: boolean) =>
    isFree || (!needed && !text.trim()) || readDecimal(text) !== null ? undefined : t("priceWrong");
  const { form, field } = useForm({
    initial: { model: price?.model ?? "", input: shown("input"), cached: shown("cached"), output: shown("output") },
    problem: isOdd ? null : set.error,
    check: ({ model, input, cached, output }) => ({
      model: model.trim() ? undefined : t("modelMissing"),
      input: wrong(input, true),
      cached: wrong(cached, false),
      output: wrong(output, true),
    }),
    onSubmit: ({ model, ...typed }) => {
      if (!provider) return;
      const prices: Record<string, number> = isFree ? {} : { ...price?.prices };
      for (const name of classes) {
        const value = readDecimal(typed[name]);
        if (value === null || isFree) delete prices[name];
        else prices[name] = toNano(value);
      }
      set.mutate(
        { provider, model: model.trim(), prices, is_free: isFree, is_meant: isOdd },
        {
          onSuccess: () => {
            toast({ text: t("priceSet", { model: model.trim() }) });
            onClose();
          },
        },
      );
    },
  });
  const model = field("model");
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={price ? t("setFor", { model: price.model }) : t("setPrice")}
      description={t("setHelp")}
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="price" variant="primary" busy={set.isPending} disabled={!provider}>
            {isOdd ? t("mean") : t("save")}
          </Button>
        </>
      }
    >
      <form {...form} id="price" className="flex flex-col gap-4">
        {isOdd ? (
          <Notice tone="brass" title={t("odd")}>
            {t("oddText")}
          </Notice>
        ) : (
          <FormProblem error={set.error} fields={["model", ...classes]} />
        )}
        {price ? null : (
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label={t("providerKind")}>
              <Select options={kinds} value={provider} onChange={setProvider} />
            </Field>
            <Field label={t("modelName")} error={model.error}>
              <Input {...model.control} autoComplete="off" spellCheck={false} />
            </Field>
          </div>
        )}
        <Checkbox label={t("isFree")} checked={isFree} onChange={setFree} />
        {isFree ? null : (
          <div className="grid grid-cols-3 gap-4">
            {classes.map((name) => {
              const of = field(name);
              return (
                <Field key={name} label={t(name)} optional={name === "cached"} error={of.error}>
                  <Input {...of.control} inputMode="decimal" autoComplete="off" className="num" />
                </Field>
              );
            })}
          </div>
        )}
      </form>
    </Dialog>
  );
}
