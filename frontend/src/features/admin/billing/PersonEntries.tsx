import { useInfiniteQuery } from "@tanstack/react-query";
import { Undo2 } from "lucide-react";
import { useState } from "react";
import { formatMoney } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { entryTexts, entryWord } from "@/shared/receipts/entries";
import { Button, IconButton } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { LoadMore } from "@/shared/ui/navigation";
import { ErrorState, LoadingBars } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { When } from "@/shared/ui/values";
import { PanelGroup } from "../parts";
import type { User } from "../users/api";
import { type Entry, personEntriesQuery, useGiveBack } from "./api";
import { billingTexts } from "./texts";

/** What moved a person's balance. A charge that should not have been is given back, and both stay in the books. */
export function PersonEntries({ user }: { user: User }) {
  const t = useTexts(billingTexts);
  const e = useTexts(entryTexts);
  const locale = useLocale();
  const entries = useInfiniteQuery(personEntriesQuery(user.id));
  const [returning, setReturning] = useState<Entry | null>(null);
  const items = entries.data?.pages.flatMap((page) => page.items) ?? [];
  if (entries.data && items.length === 0) return null;
  return (
    <PanelGroup title={t("movements")}>
      {entries.isPending ? <LoadingBars rows={3} /> : null}
      {entries.isError && !entries.data ? (
        <ErrorState error={entries.error} onRetry={() => void entries.refetch()} />
      ) : null}
      {items.length > 0 ? (
        <ul aria-label={t("movements")} className="num border-t border-border">
          {items.map((entry) => {
            const amount = formatMoney(entry.nano, entry.currency, { receipt: true }, locale);
            return (
              <li key={entry.id} className="flex min-h-10 items-center gap-3 border-b border-border-soft">
                <span className="min-w-0 grow">
                  {entryWord(entry.kind, e)}
                  {entry.is_given_back ? `, ${e("isGivenBack")}` : ""}
                  <span className="block text-xs text-muted-foreground">
                    <When at={entry.at} look="full" />
                    {entry.note ? `, ${entry.note}` : ""}
                  </span>
                </span>
                <span className={cx("font-medium whitespace-nowrap", entry.nano > 0 && "text-primary-text")}>
                  {entry.nano > 0 ? "+" : ""}
                  {amount}
                </span>
                {entry.kind === "settle" && !entry.is_given_back ? (
                  <IconButton
                    icon={Undo2}
                    size="sm"
                    label={t("giveBackNamed", { amount })}
                    onClick={() => setReturning(entry)}
                  />
                ) : (
                  <span className="w-7 flex-none" />
                )}
              </li>
            );
          })}
        </ul>
      ) : null}
      <LoadMore
        loaded={items.length}
        hasMore={entries.hasNextPage}
        busy={entries.isFetchingNextPage}
        onLoad={() => void entries.fetchNextPage()}
      />
      {returning ? <GiveBackDialog entry={returning} name={user.name} onClose={() => setReturning(null)} /> : null}
    </PanelGroup>
  );
}

function GiveBackDialog({ entry, name, onClose }: { entry: Entry; name: string; onClose: () => void }) {
  const t = useTexts(billingTexts);
  const locale = useLocale();
  const giveBack = useGiveBack();
  const amount = formatMoney(-entry.nano, entry.currency, { receipt: true }, locale);
  const { form, field } = useForm({
    initial: { note: "" },
    problem: giveBack.error,
    onSubmit: ({ note }) =>
      giveBack.mutate(
        { id: entry.id, note: note.trim() },
        {
          onSuccess: () => {
            toast({ text: t("gaveBack", { name, amount }) });
            onClose();
          },
        },
      ),
  });
  const note = field("note");
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("giveBackTitle", { amount })}
      description={t("giveBackText")}
      width="sm"
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="give-back" variant="primary" busy={giveBack.isPending}>
            {t("giveBack")}
          </Button>
        </>
      }
    >
      <form {...form} id="give-back" className="flex flex-col gap-4">
        <FormProblem error={giveBack.error} fields={["note"]} />
        <Field label={t("note")} optional help={t("noteHelp", { name })} error={note.error}>
          <Input {...note.control} autoComplete="off" />
        </Field>
      </form>
    </Dialog>
  );
}
