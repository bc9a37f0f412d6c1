import { useInfiniteQuery } from "@tanstack/react-query";
import { Plus, Undo2 } from "lucide-react";
import { useState } from "react";
import { Link } from "@/shared/frame/link";
import { addDays, today } from "@/shared/i18n/days";
import { formatDate, formatMoney } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { Button, IconButton } from "@/shared/ui/button";
import { Combobox } from "@/shared/ui/combobox";
import { DateField } from "@/shared/ui/date-field";
import { AlertDialog, Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input } from "@/shared/ui/input";
import { LoadMore } from "@/shared/ui/navigation";
import { ErrorState, LoadingBars } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { When } from "@/shared/ui/values";
import { startOfDay } from "../audit/days";
import { Group } from "../parts";
import { type User, usersQuery } from "../users/api";
import { allGrantsQuery, type Grant, useGrant, useWithdraw } from "./api";
import { readDecimal, toNano } from "./numbers";
import { billingTexts } from "./texts";

/** All credit that was given, with what is left of it. */
export function Grants({ currency }: { currency: string }) {
  const t = useTexts(billingTexts);
  const locale = useLocale();
  const grants = useInfiniteQuery(allGrantsQuery);
  const [isGiving, setGiving] = useState(false);
  const [withdrawing, setWithdrawing] = useState<Grant | null>(null);
  const items = grants.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Group
      id="grants"
      lead={t("grantsLead")}
      actions={
        <Button icon={Plus} onClick={() => setGiving(true)}>
          {t("grant")}
        </Button>
      }
    >
      {grants.isPending ? <LoadingBars rows={3} /> : null}
      {grants.isError && !grants.data ? (
        <ErrorState error={grants.error} onRetry={() => void grants.refetch()} />
      ) : null}
      {grants.data && items.length === 0 ? <p className="text-muted-foreground">{t("grantsNone")}</p> : null}
      {items.length > 0 ? (
        <>
          <Table caption={t("grants")}>
            <TableHead>
              <Th>{t("person")}</Th>
              <Th right>{t("left")}</Th>
              <Th className="@max-xl:hidden">{t("expires")}</Th>
              <Th className="@max-xl:hidden">{t("note")}</Th>
              <Th className="@max-2xl:hidden">{t("givenAt")}</Th>
              <Th>
                <span className="sr-only">{t("withdraw")}</span>
              </Th>
            </TableHead>
            <tbody>
              {items.map((grant) => (
                <Tr key={grant.id}>
                  <Td className="max-w-48 truncate py-2">
                    <Link
                      to="/admin/users"
                      search={{ id: grant.user_id }}
                      className="rounded-xs font-medium underline-offset-4 hover:underline"
                    >
                      {grant.person}
                    </Link>
                    {grant.expires_at ? (
                      <span className="block text-xs text-muted-foreground @xl:hidden">
                        {t("until", { date: formatDate(grant.expires_at, locale) })}
                      </span>
                    ) : null}
                  </Td>
                  <Td right>
                    {t("grantLine", {
                      left: formatMoney(grant.remaining_nano, grant.currency, {}, locale),
                      amount: formatMoney(grant.nano, grant.currency, {}, locale),
                    })}
                  </Td>
                  <Td className="whitespace-nowrap text-muted-foreground @max-xl:hidden">
                    {grant.expires_at ? formatDate(grant.expires_at, locale) : t("never")}
                  </Td>
                  <Td className="max-w-40 truncate text-muted-foreground @max-xl:hidden">{grant.note}</Td>
                  <Td className="text-muted-foreground @max-2xl:hidden">
                    <When at={grant.created_at} look="table" />
                  </Td>
                  <Td right>
                    {grant.remaining_nano > 0 ? (
                      <IconButton
                        icon={Undo2}
                        size="sm"
                        label={t("withdrawNamed", { name: grant.person })}
                        onClick={() => setWithdrawing(grant)}
                      />
                    ) : null}
                  </Td>
                </Tr>
              ))}
            </tbody>
          </Table>
          <LoadMore
            loaded={items.length}
            hasMore={grants.hasNextPage}
            busy={grants.isFetchingNextPage}
            onLoad={() => void grants.fetchNextPage()}
          />
        </>
      ) : null}
      {withdrawing ? <WithdrawDialog grant={withdrawing} onClose={() => setWithdrawing(null)} /> : null}
      {isGiving ? <GrantDialog user={null} currency={currency} onClose={() => setGiving(false)} /> : null}
    </Group>
  );
}

export function WithdrawDialog({ grant, onClose }: { grant: Grant; onClose: () => void }) {
  const t = useTexts(billingTexts);
  const locale = useLocale();
  const withdraw = useWithdraw();
  const amount = formatMoney(grant.remaining_nano, grant.currency, {}, locale);
  return (
    <AlertDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("withdrawTitle")}
      description={t("withdrawText", { amount })}
      action={t("withdraw")}
      busy={withdraw.isPending}
      onConfirm={() =>
        withdraw.mutate(grant.id, {
          onSuccess: ({ withdrawn_nano }) => {
            toast({ text: t("withdrawn", { amount: formatMoney(withdrawn_nano, grant.currency, {}, locale) }) });
            onClose();
          },
        })
      }
    >
      <FormProblem error={withdraw.error} />
    </AlertDialog>
  );
}

type Receiver = Pick<User, "id" | "name">;

export function GrantDialog({
  user: given,
  currency,
  onClose,
}: {
  /** To whom; nobody yet where they are chosen here. */
  user: Receiver | null;
  currency: string;
  onClose: () => void;
}) {
  const t = useTexts(billingTexts);
  const locale = useLocale();
  const grant = useGrant();
  const people = useInfiniteQuery({ ...usersQuery({ state: "active" }, 100), enabled: given === null });
  const [user, setUser] = useState(given);
  const [isTried, setTried] = useState(false);
  const [expires, setExpires] = useState<string | undefined>();
  const isPast = expires !== undefined && expires < today(locale.timeZone);
  const { form, field } = useForm({
    initial: { amount: "", note: "" },
    problem: grant.error,
    serverNames: { amount: "nano" },
    check: ({ amount }) => ({ amount: (readDecimal(amount) ?? 0) > 0 ? undefined : t("amountWrong") }),
    onSubmit: ({ amount, note }) => {
      if (isPast || !user) return;
      const nano = toNano(readDecimal(amount) ?? 0);
      grant.mutate(
        {
          user_id: user.id,
          nano,
          note: note.trim(),
          // Good until the end of that day, where whoever gives it is.
          expires_at: expires ? startOfDay(addDays(expires, 1), locale.timeZone) : null,
        },
        {
          onSuccess: () => {
            toast({ text: t("granted", { name: user.name, amount: formatMoney(nano, currency, {}, locale) }) });
            onClose();
          },
        },
      );
    },
  });
  const [amount, note] = [field("amount"), field("note")];
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={given ? t("grantTitle", { name: given.name }) : t("grant")}
      width="sm"
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="grant" variant="primary" busy={grant.isPending} onClick={() => setTried(true)}>
            {t("grant")}
          </Button>
        </>
      }
    >
      <form {...form} id="grant" className="flex flex-col gap-4">
        <FormProblem error={grant.error} fields={["nano", "note", "expires_at"]} />
        {given ? null : (
          <Field label={t("person")} error={isTried && !user ? t("personMissing") : undefined}>
            <Combobox
              label={t("person")}
              options={(people.data?.pages[0]?.items ?? []).map(({ id, name, email }) => ({
                value: id,
                label: email ? `${name}, ${email}` : name,
              }))}
              value={user?.id ?? null}
              onChange={(id) => setUser(people.data?.pages[0]?.items.find((each) => each.id === id) ?? null)}
            />
          </Field>
        )}
        <Field label={t("amount", { currency })} error={amount.error}>
          <Input {...amount.control} inputMode="decimal" autoComplete="off" className="num" />
        </Field>
        <DateField
          label={t("expires")}
          value={expires}
          onChange={setExpires}
          error={isPast ? t("expiresWrong") : undefined}
        />
        <p className="-mt-2.5 text-xs text-muted-foreground">{t("expiresHelp")}</p>
        <Field
          label={t("note")}
          optional
          help={user ? t("noteHelp", { name: user.name }) : undefined}
          error={note.error}
        >
          <Input {...note.control} autoComplete="off" />
        </Field>
      </form>
    </Dialog>
  );
}
