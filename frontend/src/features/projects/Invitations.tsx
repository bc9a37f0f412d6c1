import { useQuery } from "@tanstack/react-query";
import { UsersRound } from "lucide-react";
import { useWorkspace } from "@/shared/frame/workspace";
import { formatDate } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { deeds, invitationsQuery, type Share, useDeed } from "@/shared/projects/api";
import { Button } from "@/shared/ui/button";
import { Notice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { projectsTexts } from "./texts";

/** What others want to share with me, above everything that I have. */
export function Invitations() {
  const t = useTexts(projectsTexts);
  const { data: waiting = [] } = useQuery(invitationsQuery);
  if (waiting.length === 0) return null;
  return (
    <section aria-label={t("invitations")} className="mt-4 mb-5">
      <ul className="flex flex-col gap-2">
        {waiting.map((share) => (
          <li key={share.id}>
            <Invitation share={share} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Invitation({ share }: { share: Share }) {
  const t = useTexts(projectsTexts);
  const locale = useLocale();
  const workspace = useWorkspace();
  const answer = useDeed(deeds.answer);
  const { name } = share;
  const path = share.project_id ? `/p/${share.project_id}` : `/p?folder=${share.folder_id}`;
  const accept = () =>
    answer.mutate(
      { id: share.id, accept: true },
      {
        onSuccess: () =>
          toast({ text: t("accepted", { name }), action: { label: t("openIt"), run: () => workspace.open(path) } }),
      },
    );
  const decline = () =>
    answer.mutate({ id: share.id, accept: false }, { onSuccess: () => toast({ text: t("declined", { name }) }) });
  return (
    <Notice tone="primary" icon={UsersRound}>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="min-w-0 grow basis-72">
          <p>
            {t(share.folder_id ? "invitesFolder" : "invitesProject", {
              person: share.person ?? t("somebody"),
              name,
              may: t(`may.${share.role}`),
            })}
          </p>
          {share.expires_at ? (
            <p className="num text-xs text-muted-foreground">
              {t("until", { date: formatDate(share.expires_at, locale) })}
            </p>
          ) : null}
        </div>
        <div className="flex gap-2">
          <Button variant="ghost" busy={answer.isPending} aria-label={t("declineNamed", { name })} onClick={decline}>
            {t("decline")}
          </Button>
          <Button busy={answer.isPending} aria-label={t("acceptNamed", { name })} onClick={accept}>
            {t("accept")}
          </Button>
        </div>
      </div>
    </Notice>
  );
}
