import { useWorkspace } from "@/shared/frame/workspace";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { showBinding } from "@/shared/keys/binding";
import { allActions, bindingOf, type Where } from "@/shared/keys/registry";
import { isMac } from "@/shared/keys/use-keys";
import { useInstallation } from "@/shared/session/queries";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { Kbd } from "@/shared/ui/kbd";
import { Logo, PRODUCT_NAME } from "@/shared/ui/logo";
import { appTexts } from "../texts";

const order: readonly Where[] = ["anywhere", "tabs", "list", "grid", "composer", "transcript", "palette"];

/** Every key at a glance. Opened by `?`, by the help button and by the palette. */
export default function KeyHelp({ onClose }: { onClose: () => void }) {
  const t = useTexts(appTexts);
  const { language } = useLocale();
  const workspace = useWorkspace();
  const { data: installation } = useInstallation();
  const names: Record<Where, string> = {
    anywhere: t("whereAnywhere"),
    tabs: t("whereTabs"),
    list: t("whereList"),
    grid: t("whereGrid"),
    composer: t("whereComposer"),
    transcript: t("whereTranscript"),
    palette: t("wherePalette"),
  };
  const groups = order
    .map((where) => ({
      where,
      actions: allActions().filter(
        (action) => action.where === where && bindingOf(action.id).length > 0 && !/^tabs\.[2-9]$/.test(action.id),
      ),
    }))
    .filter((group) => group.actions.length > 0);
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("keysTitle")}
      description={t("keysLead")}
      width="lg"
      footer={
        <>
          <span className="mr-auto flex items-center gap-2 text-xs text-muted-foreground">
            <Logo size={16} />
            {PRODUCT_NAME}
            {installation ? <span className="num">{t("version", { version: installation.version })}</span> : null}
          </span>
          <Button
            onClick={() => {
              onClose();
              workspace.open("/settings/keys");
            }}
          >
            {t("changeKeys")}
          </Button>
        </>
      }
    >
      <div className="gap-10 md:columns-2">
        {groups.map((group) => (
          <section key={group.where} className="mb-5 break-inside-avoid-column">
            <h3 className="cap mb-1">{names[group.where]}</h3>
            <ul>
              {group.actions.map((action) => (
                <li key={action.id} className="flex min-h-8 items-center gap-3 border-b border-border-soft">
                  <span className="min-w-0 grow">
                    {action.id === "tabs.1" ? t("goToTabs") : action.title[language]}
                  </span>
                  <Kbd keys={showBinding(bindingOf(action.id), language, isMac)} />
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
