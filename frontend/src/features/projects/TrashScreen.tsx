import { useInfiniteQuery } from "@tanstack/react-query";
import { FileText, Folder, Layers, Trash2 } from "lucide-react";
import { useState } from "react";
import { api, read } from "@/shared/api/client";
import { Screen } from "@/shared/frame/sheet";
import { useTexts } from "@/shared/i18n/texts";
import { deeds, useDeed } from "@/shared/projects/api";
import { kindIcons } from "@/shared/projects/kinds";
import { thingTexts } from "@/shared/projects/texts";
import { Button, IconButton } from "@/shared/ui/button";
import { AlertDialog } from "@/shared/ui/dialog";
import { Icon, type IconType } from "@/shared/ui/icons";
import { LoadMore } from "@/shared/ui/navigation";
import { EmptyState, ErrorState, LoadingBars, ProblemNotice } from "@/shared/ui/states";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { toast } from "@/shared/ui/toast";
import { useMinute, When } from "@/shared/ui/values";
import { type Thrown, trashQuery } from "./api";
import { projectsTexts } from "./texts";

const DAY_MS = 86_400_000;

/** Thirty days of second thoughts. */
export default function TrashScreen() {
  const t = useTexts(projectsTexts);
  const thrown = useInfiniteQuery(trashQuery);
  const items = thrown.data?.pages.flatMap((page) => page.items) ?? [];
  const [erasing, setErasing] = useState<Thrown | "all" | null>(null);
  return (
    <Screen
      title={t("trash")}
      subtitle={t("trashLead")}
      actions={
        items.length > 0 ? (
          <Button variant="danger" icon={Trash2} onClick={() => setErasing("all")}>
            {t("emptyTrash")}
          </Button>
        ) : null
      }
    >
      {thrown.isPending ? <LoadingBars rows={5} /> : null}
      {thrown.isError && !thrown.data ? (
        <ErrorState error={thrown.error} onRetry={() => void thrown.refetch()} />
      ) : null}
      {thrown.data && items.length === 0 ? (
        <EmptyState title={t("trashEmpty")}>{t("trashEmptyText")}</EmptyState>
      ) : null}
      {items.length > 0 ? (
        <>
          <Table caption={t("trashList")} className="table-fixed">
            <TableHead>
              <Th>{t("name")}</Th>
              <Th className="w-56 @max-3xl:hidden">{t("kind")}</Th>
              <Th right className="w-36 @max-2xl:hidden">
                {t("thrownHead")}
              </Th>
              <Th right className="w-28 @max-xl:hidden">
                {t("erasedHead")}
              </Th>
              <Th className="w-44">
                <span className="sr-only">{t("menuHead")}</span>
              </Th>
            </TableHead>
            <tbody>
              {items.map((item) => (
                <ThrownRow key={item.id} item={item} onErase={() => setErasing(item)} />
              ))}
            </tbody>
          </Table>
          <LoadMore
            loaded={items.length}
            hasMore={thrown.hasNextPage}
            busy={thrown.isFetchingNextPage}
            onLoad={() => void thrown.fetchNextPage()}
          />
        </>
      ) : null}
      <EraseDialog what={erasing} count={items.length} onClose={() => setErasing(null)} />
    </Screen>
  );
}

function iconOf({ sort, kind }: Thrown): IconType {
  if (sort === "folder") return Folder;
  if (sort === "project") return kind ? kindIcons[kind] : Layers;
  return FileText;
}

function ThrownRow({ item, onErase }: { item: Thrown; onErase: () => void }) {
  const t = useTexts(projectsTexts);
  const w = useTexts(thingTexts);
  const now = useMinute();
  const restore = useDeed(deeds.restore);
  const { name } = item;
  const whatItIs = {
    folder: () => t("folderWith", { count: item.projects }),
    project: () => (item.kind ? w(`kind.${item.kind}`) : w("project")),
    document: () => (item.project ? t("documentFrom", { project: item.project }) : t("document")),
  }[item.sort]();
  const days = Math.max(0, Math.round((Date.parse(item.erased_at) - now) / DAY_MS));
  return (
    <Tr className="!h-11">
      <Td>
        <span className="flex min-w-0 items-center gap-2.5">
          <Icon icon={iconOf(item)} size={16} className="text-faint" />
          <span className="truncate font-medium" title={name}>
            {name}
          </span>
        </span>
      </Td>
      <Td className="truncate text-muted-foreground @max-3xl:hidden">{whatItIs}</Td>
      <Td right className="text-muted-foreground @max-2xl:hidden">
        <When at={item.trashed_at} />
      </Td>
      <Td right className="text-muted-foreground @max-xl:hidden">
        {t("inDays", { count: days })}
      </Td>
      <Td right>
        <span className="flex justify-end gap-1">
          <Button
            size="sm"
            busy={restore.isPending}
            aria-label={t("restoreNamed", { name })}
            onClick={() => restore.mutate(item, { onSuccess: () => toast({ text: t("restored", { name }) }) })}
          >
            {t("restore")}
          </Button>
          <IconButton icon={Trash2} label={t("eraseNamed", { name })} onClick={onErase} />
        </span>
      </Td>
    </Tr>
  );
}

/** What cannot be taken back is asked for by name. */
function EraseDialog({ what, count, onClose }: { what: Thrown | "all" | null; count: number; onClose: () => void }) {
  const t = useTexts(projectsTexts);
  const erase = useDeed(
    async (thing: Thrown | "all"): Promise<void> => {
      if (thing === "all") await read(api.DELETE("/api/v1/trash"));
      else await read(api.DELETE("/api/v1/trash/{thing_id}", { params: { path: { thing_id: thing.id } } }));
    },
    { shown: true },
  );
  if (!what) return null;
  const isAll = what === "all";
  return (
    <AlertDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={isAll ? t("emptyTitle") : t("eraseTitle", { name: what.name })}
      description={isAll ? t("emptyText", { count }) : t("eraseText")}
      action={isAll ? t("emptyTrash") : t("eraseNow")}
      typeName={isAll ? t("emptyWord") : what.name}
      busy={erase.isPending}
      onConfirm={() =>
        erase.mutate(what, {
          onSuccess: () => {
            toast({ text: isAll ? t("emptied") : t("erased", { name: what.name }) });
            onClose();
          },
        })
      }
    >
      <ProblemNotice error={erase.error} />
    </AlertDialog>
  );
}
