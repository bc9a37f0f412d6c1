import { Ellipsis } from "lucide-react";
import { type MouseEvent, useRef } from "react";
import { today } from "@/shared/i18n/days";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { monthName } from "@/shared/receipts/period";
import { useMe } from "@/shared/session/queries";
import { IconButton } from "@/shared/ui/button";
import { Checkbox } from "@/shared/ui/choice";
import { cx } from "@/shared/ui/cx";
import { Avatar, Badge } from "@/shared/ui/marks";
import { Menu } from "@/shared/ui/menu";
import { type Sort, Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { When } from "@/shared/ui/values";
import { moveBetweenRows, roleText, rowButtonClass, stickyClass, stickyRowClass } from "../parts";
import { adminTexts } from "../texts";
import type { Month, User } from "./api";
import { type Deed, deedEntries, deedsFor } from "./deeds";
import { MonthCell } from "./MonthCell";
import { LastSeen, PersonState, SignInWays } from "./marks";
import { usersTexts } from "./texts";

export interface Selection {
  readonly ids: ReadonlySet<string>;
  readonly change: (ids: ReadonlySet<string>) => void;
}

/** Below a width the columns that matter least step back; the panel at the right has them all. */
const wide = "hidden @3xl:table-cell";
const wideInBrief = "hidden @xl:table-cell";
const lastInBrief = "hidden @md:table-cell";
/** The address beside the name, where there is room for both. */
const beside = "@xl:flex-row @xl:items-baseline @xl:gap-2.5";
const besideInBrief = "@3xl:flex-row @3xl:items-baseline @3xl:gap-2.5";

export function UserTable({
  users,
  chosen,
  onChoose,
  run,
  sort,
  onSort,
  selection,
  brief = false,
  months,
}: {
  users: readonly User[];
  chosen?: string | null;
  onChoose: (user: User) => void;
  run?: (deed: Deed, user: User) => void;
  sort?: string;
  onSort?: (sort: string) => void;
  selection?: Selection;
  /** Without a column for the state: who is not active says so where others say when they were here. */
  brief?: boolean;
  /** What they spent, where it is to be told; undefined inside while it is not known yet. */
  months?: { readonly of: ReadonlyMap<string, Month> | undefined };
}) {
  const t = useTexts(usersTexts);
  const a = useTexts(adminTexts);
  const me = useMe();
  const locale = useLocale();
  const anchor = useRef<string | null>(null);
  const shift = useRef(false);
  const head = (key: string, first: "ascending" | "descending" = "ascending") => {
    const state: Sort = sort === key ? "ascending" : sort === `-${key}` ? "descending" : "none";
    const next = state === "none" ? (first === "ascending" ? key : `-${key}`) : state === "ascending" ? `-${key}` : key;
    return onSort ? { sort: state, onSort: () => onSort(next) } : {};
  };
  const select = (user: User, isRange: boolean) => {
    if (!selection) return;
    const from = users.findIndex(({ id }) => id === anchor.current);
    const to = users.findIndex(({ id }) => id === user.id);
    const next = new Set(selection.ids);
    if (isRange && from >= 0) {
      for (const { id } of users.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(id);
    } else if (!next.delete(user.id)) next.add(user.id);
    anchor.current = user.id;
    selection.change(next);
  };
  const onRowClick = (event: MouseEvent<HTMLElement>, user: User) => {
    // Controls in the row do their own; menus live elsewhere in the page and only in React's tree below the row.
    const target = event.target as HTMLElement;
    if (!event.currentTarget.contains(target) || target.closest("button, a, input, label, [role=checkbox]")) return;
    if (event.shiftKey && selection) select(user, true);
    else onChoose(user);
  };
  return (
    <Table caption={t("tableLabel")} onKeyDown={moveBetweenRows}>
      <TableHead>
        <Th className={cx(stickyClass, brief ? "min-w-36" : "min-w-44")} {...head("name")}>
          {t("person")}
        </Th>
        <Th className={brief ? wideInBrief : "hidden @2xl:table-cell"}>{t("role")}</Th>
        {brief ? null : <Th className="hidden @xl:table-cell">{t("state")}</Th>}
        <Th className={brief ? wideInBrief : wide}>{t("signIn")}</Th>
        {months ? (
          <Th title={t("monthTitle")}>{t("month", { month: monthName(today(locale.timeZone), locale) })}</Th>
        ) : null}
        <Th right className={brief ? lastInBrief : "hidden @xl:table-cell"} {...head("last_seen_at", "descending")}>
          {t("lastSeen")}
        </Th>
        {onSort ? (
          <Th right className="hidden @4xl:table-cell" {...head("created_at", "descending")}>
            {t("joined")}
          </Th>
        ) : null}
        {run ? (
          <Th className="w-8">
            <span className="sr-only">{a("actions")}</span>
          </Th>
        ) : null}
      </TableHead>
      <tbody>
        {users.map((user) => {
          const isChosen = chosen === user.id;
          const isSelected = selection?.ids.has(user.id) ?? false;
          return (
            <Tr
              key={user.id}
              selected={isChosen || isSelected}
              // Shift and click marks a range here, not text.
              className={cx("group cursor-default", selection && "select-none")}
              onClick={(event) => onRowClick(event, user)}
              onMouseDownCapture={(event) => {
                shift.current = event.shiftKey;
                if (event.shiftKey) event.preventDefault();
              }}
            >
              <Td
                className={cx(
                  stickyRowClass(isChosen || isSelected),
                  "py-1",
                  brief ? "max-w-40 @3xl:max-w-72" : "max-w-72",
                )}
              >
                <span className="flex items-center gap-2.5">
                  {selection ? (
                    <Checkbox
                      hideLabel
                      label={t("selectPerson", { name: user.name })}
                      checked={isSelected}
                      onChange={() => {
                        select(user, shift.current);
                        shift.current = false;
                      }}
                    />
                  ) : null}
                  <Avatar
                    initials={user.initials}
                    look={user.id === me.id ? "self" : user.state === "invited" ? "pending" : "plain"}
                  />
                  <span className={cx("flex min-w-0 flex-col", brief ? besideInBrief : beside)}>
                    <button
                      type="button"
                      data-row
                      onClick={() => onChoose(user)}
                      aria-current={isChosen ? "true" : undefined}
                      className={cx(rowButtonClass, "truncate")}
                      title={user.name}
                    >
                      {user.name}
                    </button>
                    {user.email ? (
                      <span
                        className={cx("truncate text-faint", brief ? "@max-3xl:text-xs" : "@max-xl:text-xs")}
                        title={user.email}
                      >
                        {user.email}
                      </span>
                    ) : null}
                    {user.state !== "active" ? (
                      <span className={cx("text-xs", brief ? "@md:hidden" : "@xl:hidden")}>
                        <PersonState state={user.state} />
                      </span>
                    ) : null}
                  </span>
                  {user.id === me.id ? (
                    <span className={brief ? "hidden @3xl:inline" : undefined}>
                      <Badge tone="primary">{t("you")}</Badge>
                    </span>
                  ) : null}
                </span>
              </Td>
              <Td
                className={cx(
                  "whitespace-nowrap text-muted-foreground",
                  brief ? wideInBrief : "hidden @2xl:table-cell",
                )}
              >
                {roleText(a, user.role)}
              </Td>
              {brief ? null : (
                <Td className="hidden @xl:table-cell">
                  <PersonState state={user.state} />
                </Td>
              )}
              <Td className={brief ? wideInBrief : wide}>
                <SignInWays user={user} />
              </Td>
              {months ? (
                <Td className="py-1">
                  <MonthCell month={months.of?.get(user.id)} />
                </Td>
              ) : null}
              <Td right className={cx("text-muted-foreground", brief ? lastInBrief : "hidden @xl:table-cell")}>
                {brief && user.state !== "active" ? <PersonState state={user.state} /> : <LastSeen user={user} />}
              </Td>
              {onSort ? (
                <Td right className="hidden text-muted-foreground @4xl:table-cell">
                  <When at={user.created_at} look="table" />
                </Td>
              ) : null}
              {run ? (
                <Td right>
                  <Menu
                    trigger={<IconButton icon={Ellipsis} label={a("moreFor", { name: user.name })} />}
                    entries={deedEntries(deedsFor(me, user), t, (deed) => run(deed, user))}
                  />
                </Td>
              ) : null}
            </Tr>
          );
        })}
      </tbody>
    </Table>
  );
}
