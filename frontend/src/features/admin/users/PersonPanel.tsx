import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { CircleSlash, Clock, Ellipsis, Info } from "lucide-react";
import { useState } from "react";
import { inTextLinkClass, Link, textLinkClass } from "@/shared/frame/link";
import { formatBytes } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { clientName } from "@/shared/session/client-name";
import { useMe } from "@/shared/session/queries";
import { Button, IconButton } from "@/shared/ui/button";
import { Avatar, Badge } from "@/shared/ui/marks";
import { Menu } from "@/shared/ui/menu";
import { LoadMore } from "@/shared/ui/navigation";
import { FactRow, Facts } from "@/shared/ui/section";
import { ErrorState, LoadingBars, Notice } from "@/shared/ui/states";
import { Bytes, When } from "@/shared/ui/values";
import { AuditFeed } from "../audit/AuditFeed";
import { auditQuery } from "../audit/api";
import { PersonMoney } from "../billing/PersonMoney";
import { Panel, PanelGroup, PanelHead, roleText } from "../parts";
import { adminTexts } from "../texts";
import { type User, userFilesQuery, userQuery, userSessionsQuery } from "./api";
import { type Deed, deedEntries, deedsFor } from "./deeds";
import { LastSeen, PersonState, SignInWays } from "./marks";
import { usersTexts } from "./texts";

export function PersonPanel({ id, run }: { id: string; run: (deed: Deed, user: User) => void }) {
  const t = useTexts(usersTexts);
  const person = useQuery(userQuery(id));
  return (
    <Panel of={id} title={person.data?.name ?? t("details")}>
      {person.isPending ? <LoadingBars rows={6} className="pt-8" /> : null}
      {person.isError ? <ErrorState error={person.error} onRetry={() => void person.refetch()} /> : null}
      {person.data && !person.isError ? <Person key={id} user={person.data} run={run} /> : null}
    </Panel>
  );
}

function Person({ user, run }: { user: User; run: (deed: Deed, user: User) => void }) {
  const t = useTexts(usersTexts);
  const a = useTexts(adminTexts);
  const locale = useLocale();
  const me = useMe();
  const deeds = deedsFor(me, user);
  const first = deeds.find((deed) => deed === "approve" || deed === "restore" || deed === "inviteAgain") ?? deeds[0];
  const others = deeds.filter((deed) => deed !== first);
  return (
    <>
      <PanelHead
        icon={<Avatar initials={user.initials} size={40} look={user.state === "invited" ? "pending" : "plain"} />}
        title={
          <span className="flex flex-wrap items-center gap-2">
            {user.name}
            {user.id === me.id ? <Badge tone="primary">{t("you")}</Badge> : null}
          </span>
        }
        subtitle={user.email}
      />
      <StateNotice user={user} />
      <div className="flex flex-wrap items-center gap-2 pb-4">
        {first ? <Button onClick={() => run(first, user)}>{t(first)}</Button> : null}
        {others.length > 0 ? (
          <Menu
            align="start"
            trigger={<IconButton icon={Ellipsis} label={a("moreFor", { name: user.name })} />}
            entries={deedEntries(others, t, (deed) => run(deed, user))}
          />
        ) : null}
      </div>
      <Facts>
        <FactRow label={t("state")}>
          <PersonState state={user.state} />
        </FactRow>
        <FactRow label={t("role")}>{roleText(a, user.role)}</FactRow>
        <FactRow label={t("email")}>
          {user.email ? (
            user.email_verified ? (
              t("addressConfirmed")
            ) : (
              <span className="text-brass-text">{t("addressOpen")}</span>
            )
          ) : (
            a("none")
          )}
        </FactRow>
        <FactRow label={t("signIn")}>
          <SignInWays user={user} />
        </FactRow>
        <FactRow label={t("lastSeen")}>
          <LastSeen user={user} />
        </FactRow>
        <FactRow label={t("joined")}>
          <When at={user.created_at} look="full" />
        </FactRow>
        <FactRow label={t("storage")}>
          <span className="num">
            {user.quota_bytes === null
              ? t("usedDefault", { used: formatBytes(user.used_bytes, locale) })
              : t("used", {
                  used: formatBytes(user.used_bytes, locale),
                  quota: formatBytes(user.quota_bytes, locale),
                })}
          </span>
        </FactRow>
        <FactRow label={t("language")}>{user.language === "de" ? a("german") : a("english")}</FactRow>
      </Facts>
      <Sessions user={user} />
      {me.role === "admin" ? (
        <>
          <PersonMoney user={user} />
          <History user={user} />
          <Files user={user} />
        </>
      ) : null}
    </>
  );
}

function StateNotice({ user }: { user: User }) {
  const t = useTexts(usersTexts);
  if (user.state === "suspended") {
    return (
      <Notice icon={CircleSlash} className="mb-4">
        {user.suspended_reason ? t("suspendedBecause", { reason: user.suspended_reason }) : t("isSuspended")}
      </Notice>
    );
  }
  if (user.state === "waiting") {
    return (
      <Notice icon={Clock} tone="brass" className="mb-4">
        {t("isWaiting")}
      </Notice>
    );
  }
  if (user.state === "invited" || user.state === "unverified") {
    return (
      <Notice icon={Info} className="mb-4">
        {user.state === "invited" ? t("isInvited") : t("isUnverified")}
      </Notice>
    );
  }
  return null;
}

function Sessions({ user }: { user: User }) {
  const t = useTexts(usersTexts);
  const sessions = useQuery(userSessionsQuery(user.id));
  return (
    <PanelGroup title={t("sessions")}>
      {sessions.isPending ? <LoadingBars rows={2} /> : null}
      {sessions.isError ? <ErrorState error={sessions.error} onRetry={() => void sessions.refetch()} /> : null}
      {sessions.data?.length === 0 ? <p className="text-muted-foreground">{t("sessionsNone")}</p> : null}
      {sessions.data?.length ? (
        <ul aria-label={t("sessions")} className="border-t border-border">
          {sessions.data.map((session) => (
            <li key={session.id} className="flex gap-3 border-b border-border-soft py-[9px]">
              <span className="min-w-0 grow truncate" title={session.client}>
                {clientName(session.client).name || t("clientUnknown")}
              </span>
              <span className="num flex-none text-muted-foreground">
                {t("seen")} <When at={session.last_seen_at} />
              </span>
            </li>
          ))}
        </ul>
      ) : null}
    </PanelGroup>
  );
}

function History({ user }: { user: User }) {
  const t = useTexts(usersTexts);
  const lines = useInfiniteQuery(auditQuery({ about: user.id }, 6));
  const items = lines.data?.pages[0]?.items;
  return (
    <PanelGroup
      title={t("history")}
      actions={
        <Link to="/admin/audit" search={{ about: user.id }} className={textLinkClass}>
          {t("historyAll")}
        </Link>
      }
    >
      {lines.isPending ? <LoadingBars rows={3} /> : null}
      {lines.isError ? <ErrorState error={lines.error} onRetry={() => void lines.refetch()} /> : null}
      {items ? <AuditFeed lines={items} empty={t("historyNone")} /> : null}
    </PanelGroup>
  );
}

function Files({ user }: { user: User }) {
  const t = useTexts(usersTexts);
  const me = useMe();
  const [asked, setAsked] = useState(false);
  const files = useInfiniteQuery({ ...userFilesQuery(user.id), enabled: asked && me.full_access !== null });
  const items = files.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <PanelGroup title={t("files")}>
      {me.full_access === null ? (
        <p className="text-muted-foreground">
          {t("filesLocked")}{" "}
          <Link to="/admin/full-access" className={inTextLinkClass}>
            {t("toFullAccess")}
          </Link>
        </p>
      ) : asked ? (
        <>
          {files.isPending ? <LoadingBars rows={3} /> : null}
          {files.isError ? <ErrorState error={files.error} onRetry={() => void files.refetch()} /> : null}
          {files.data ? (
            items.length > 0 ? (
              <ul className="border-t border-border-soft">
                {items.map((file) => (
                  <li key={file.id} className="flex gap-3 border-b border-border-soft py-2">
                    <span className="min-w-0 grow break-words">{file.name}</span>
                    <span className="flex-none text-muted-foreground">
                      <Bytes value={file.size} />
                    </span>
                  </li>
                ))}
              </ul>
            ) : (
              <p className="text-muted-foreground">{t("filesNone")}</p>
            )
          ) : null}
          <LoadMore
            loaded={items.length}
            hasMore={files.hasNextPage}
            busy={files.isFetchingNextPage}
            onLoad={() => void files.fetchNextPage()}
          />
        </>
      ) : (
        <div className="flex flex-wrap items-center gap-3">
          <Button onClick={() => setAsked(true)}>{t("filesOpen")}</Button>
          <span className="text-muted-foreground">{t("filesNoted")}</span>
        </div>
      )}
    </PanelGroup>
  );
}
