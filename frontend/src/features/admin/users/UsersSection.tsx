import { useInfiniteQuery, useQueries } from "@tanstack/react-query";
import { CircleCheck, CircleSlash, UserRoundPlus, X } from "lucide-react";
import { useState } from "react";
import { Screen } from "@/shared/frame/sheet";
import { useTyped } from "@/shared/frame/use-typed";
import { formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { useAction } from "@/shared/keys/use-keys";
import { useMe } from "@/shared/session/queries";
import { Button, IconButton } from "@/shared/ui/button";
import { SearchField } from "@/shared/ui/input";
import { LoadMore } from "@/shared/ui/navigation";
import { EmptyState, ErrorState, LoadingBars, Refreshing } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { Filters, FilterToggle } from "../parts";
import { useChosen, useFilters } from "../search";
import { adminTexts } from "../texts";
import { roles, states, type User, useApprove, userCountQuery, userFilter, usersQuery } from "./api";
import { InviteDialog, SuspendDialog } from "./Dialogs";
import { PersonPanel } from "./PersonPanel";
import { usersTexts } from "./texts";
import { UserTable } from "./UserTable";
import { useDeeds } from "./use-deeds";

export function UsersSection() {
  const t = useTexts(usersTexts);
  const me = useMe();
  const [filters, change] = useFilters();
  const filter = userFilter(filters);
  const users = useInfiniteQuery({ ...usersQuery(filter), placeholderData: (before) => before });
  const [chosen, choose] = useChosen();
  const [inviting, setInviting] = useState(false);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const deeds = useDeeds({ onDeleted: () => choose(null) });
  useAction("admin.invite", () => setInviting(true));
  const items = users.data?.pages.flatMap((page) => page.items) ?? [];
  const total = users.data?.pages[0]?.total ?? null;
  const isFiltered = Boolean(filter.search || filter.role || filter.state);
  const picked = items.filter((user) => selected.has(user.id));
  return (
    <Screen
      title={t("title")}
      actions={
        <Button variant="primary" icon={UserRoundPlus} onClick={() => setInviting(true)}>
          {t("invite")}
        </Button>
      }
      below={
        <>
          <UserFilters />
          {picked.length > 0 ? <Bulk users={picked} onClear={() => setSelected(new Set())} /> : null}
        </>
      }
    >
      {users.isPending ? <LoadingBars rows={8} /> : null}
      {users.isError && !users.data ? <ErrorState error={users.error} onRetry={() => void users.refetch()} /> : null}
      {users.data && items.length === 0 ? (
        isFiltered ? (
          <EmptyState
            title={t("noOne")}
            action={
              <Button onClick={() => change({ q: undefined, role: undefined, state: undefined })}>
                {t("clearFilters")}
              </Button>
            }
          >
            {t("noOneText")}
          </EmptyState>
        ) : (
          <EmptyState title={t("onlyYou")}>{t("onlyYouText")}</EmptyState>
        )
      ) : null}
      {items.length > 0 ? (
        <Refreshing active={users.isPlaceholderData}>
          <UserTable
            users={items}
            chosen={chosen}
            onChoose={(user) => choose(user.id)}
            run={deeds.run}
            sort={filter.sort ?? "name"}
            onSort={(sort) => change({ sort: sort === "name" ? undefined : sort })}
            selection={{ ids: selected, change: setSelected }}
          />
          <LoadMore
            loaded={items.length}
            total={total}
            hasMore={users.hasNextPage}
            busy={users.isFetchingNextPage}
            onLoad={() => void users.fetchNextPage()}
          />
          {items.length === 1 && items[0]?.id === me.id && !isFiltered ? (
            <p className="text-muted-foreground">{t("onlyYouText")}</p>
          ) : null}
        </Refreshing>
      ) : null}
      {chosen ? <PersonPanel id={chosen} run={deeds.run} /> : null}
      {deeds.dialog}
      {inviting ? <InviteDialog onClose={() => setInviting(false)} /> : null}
    </Screen>
  );
}

function UserFilters() {
  const t = useTexts(usersTexts);
  const a = useTexts(adminTexts);
  const locale = useLocale();
  const me = useMe();
  const [filters, change] = useFilters();
  const [typed, type] = useTyped(filters.q ?? "", (q) => change({ q }));
  const { role, state } = userFilter(filters);
  const roleCounts = useQueries({ queries: me.role === "admin" ? roles.map((role) => userCountQuery({ role })) : [] });
  const stateCounts = useQueries({ queries: states.map((state) => userCountQuery({ state })) });
  const shown = (count: number | undefined) => (count === undefined ? undefined : formatNumber(count, {}, locale));
  return (
    <div className="flex flex-wrap items-center gap-x-6 gap-y-2 border-b border-border pb-3">
      <SearchField label={t("search")} value={typed} onChange={type} className="w-full @2xl:w-64" />
      {me.role === "admin" ? (
        <Filters label={t("byRole")}>
          <FilterToggle pressed={!role} onChange={() => change({ role: undefined })}>
            {t("everyone")}
          </FilterToggle>
          {roles.map((each, index) => (
            <FilterToggle
              key={each}
              pressed={role === each}
              count={shown(roleCounts[index]?.data)}
              onChange={() => change({ role: role === each ? undefined : each })}
            >
              {t(`roles.${each}`)}
            </FilterToggle>
          ))}
        </Filters>
      ) : null}
      <Filters label={t("byState")}>
        {me.role === "admin" ? null : (
          <FilterToggle pressed={!state} onChange={() => change({ state: undefined })}>
            {a("all")}
          </FilterToggle>
        )}
        {states.map((each, index) => {
          const count = stateCounts[index]?.data;
          // A state nobody is in would only be in the way.
          return count || state === each || each === "active" ? (
            <FilterToggle
              key={each}
              pressed={state === each}
              count={shown(count)}
              onChange={() => change({ state: state === each ? undefined : each })}
            >
              {t(`state.${each}`)}
            </FilterToggle>
          ) : null;
        })}
      </Filters>
    </div>
  );
}

function Bulk({ users, onClear }: { users: readonly User[]; onClear: () => void }) {
  const t = useTexts(usersTexts);
  const me = useMe();
  const approve = useApprove();
  const [suspending, setSuspending] = useState<readonly User[] | null>(null);
  const waiting = users.filter((user) => user.state === "waiting" || user.state === "unverified");
  const active = users.filter((user) => user.state !== "suspended" && user.id !== me.id);
  const approveAll = async () => {
    const results = await Promise.allSettled(waiting.map((user) => approve.mutateAsync(user.id)));
    const failed = results.filter((result) => result.status === "rejected").length;
    const text = failed
      ? t("someFailed", { failed, count: waiting.length })
      : t("manyApproved", { count: waiting.length });
    toast({ text });
    if (!failed) onClear();
  };
  return (
    <section
      aria-label={t("selected", { count: users.length })}
      className="flex flex-wrap items-center gap-2 border-b border-border bg-background py-2"
    >
      <span role="status" className="num pr-2 font-medium">
        {t("selected", { count: users.length })}
      </span>
      {waiting.length > 0 ? (
        <Button icon={CircleCheck} busy={approve.isPending} onClick={() => void approveAll()}>
          {t("approveMany", { count: waiting.length })}
        </Button>
      ) : null}
      {active.length > 0 ? (
        <Button icon={CircleSlash} onClick={() => setSuspending(active)}>
          {t("suspendMany", { count: active.length })}
        </Button>
      ) : null}
      <span className="grow text-xs text-faint max-md:hidden">{t("shiftHint")}</span>
      <IconButton icon={X} label={t("clearSelection")} onClick={onClear} />
      {suspending ? <SuspendDialog users={suspending} onClose={() => setSuspending(null)} /> : null}
    </section>
  );
}
