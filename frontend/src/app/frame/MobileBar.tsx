import { CircleQuestionMark, Ellipsis, Menu as MenuIcon, Search, X } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useTexts } from "@/shared/i18n/texts";
import { runAction } from "@/shared/keys/use-keys";
import { Button, IconButton } from "@/shared/ui/button";
import { Menu } from "@/shared/ui/menu";
import { useDesk } from "../desk/store";
import { appTexts } from "../texts";
import { usePanes } from "../workspace";
import { useAccountEntries } from "./AccountMenu";
import { TabMark } from "./TabStrip";

const Sheet = lazy(() => import("./LazySheet"));

/** 56 px: menu, what is in front, how many tabs there are, more. */
export function MobileBar({ onMenu }: { onMenu: () => void }) {
  const t = useTexts(appTexts);
  const desk = useDesk();
  const panes = usePanes();
  const account = useAccountEntries();
  const [showsTabs, setShowsTabs] = useState(false);
  const front = desk.tabs.find((tab) => tab.id === panes.shown.main);
  const hasNews = desk.tabs.some((tab) => tab.id !== front?.id && tab.state === "unread");
  return (
    <header className="flex h-14 flex-none items-center gap-1 border-b border-border-soft bg-background px-1.5">
      <IconButton icon={MenuIcon} size="lg" label={t("menu")} onClick={onMenu} />
      <div className="min-w-0 grow">
        <div className="truncate text-md font-semibold">{front?.title}</div>
      </div>
      <button
        type="button"
        aria-label={t("tabsCount", { count: desk.tabs.length })}
        onClick={() => setShowsTabs(true)}
        className="grid size-11 flex-none place-items-center rounded-sm"
      >
        <span className="num relative grid size-[1.375rem] place-items-center rounded-[5px] border-[1.6px] border-current text-xs font-semibold text-muted-foreground">
          {desk.tabs.length}
          {hasNews ? (
            <span className="absolute -top-1 -right-1 size-2 rounded-full bg-primary ring-2 ring-background" />
          ) : null}
        </span>
      </button>
      <Menu
        trigger={<IconButton icon={Ellipsis} size="lg" label={t("more")} />}
        entries={[
          { label: t("commands"), icon: Search, onSelect: () => runAction("palette") },
          { label: t("help"), icon: CircleQuestionMark, onSelect: () => runAction("help.keys") },
          { kind: "separator" },
          ...account,
        ]}
      />
      <Suspense>
        <Sheet open={showsTabs} onOpenChange={setShowsTabs} title={t("tabsCount", { count: desk.tabs.length })}>
          <div className="flex flex-col px-2 pb-4">
            {desk.tabs.length === 0 ? <p className="px-2 py-3 text-muted-foreground">{t("noTabs")}</p> : null}
            <ul aria-label={t("openTabs")}>
              {desk.tabs.map((tab) => (
                <li key={tab.id} className="flex items-center gap-1 border-b border-border-soft last:border-0">
                  <button
                    type="button"
                    aria-current={tab.id === front?.id ? "page" : undefined}
                    onClick={() => {
                      setShowsTabs(false);
                      panes.activate(tab.id);
                    }}
                    className="flex h-12 min-w-0 grow items-center gap-3 rounded-sm px-2 text-md aria-[current=page]:font-semibold"
                  >
                    <TabMark tab={tab} />
                    <span className="truncate">{tab.title}</span>
                  </button>
                  <IconButton
                    icon={X}
                    size="lg"
                    label={t("closeTab", { title: tab.title })}
                    onClick={() => panes.close(tab.id)}
                  />
                </li>
              ))}
            </ul>
            {desk.closed.length > 0 ? (
              <>
                <h3 className="cap px-2 pt-4 pb-1">{t("recentlyClosed")}</h3>
                <ul>
                  {desk.closed.slice(0, 5).map((tab) => (
                    <li key={`${tab.id} ${tab.path}`}>
                      <button
                        type="button"
                        onClick={() => {
                          setShowsTabs(false);
                          panes.reopen(tab.id);
                        }}
                        className="flex h-11 w-full items-center gap-3 rounded-sm px-2 text-muted-foreground"
                      >
                        <TabMark tab={{ path: tab.path, state: null }} />
                        <span className="truncate">{tab.title}</span>
                      </button>
                    </li>
                  ))}
                </ul>
              </>
            ) : null}
            <Button
              className="mt-3 h-11 self-start"
              onClick={() => {
                setShowsTabs(false);
                panes.open("/", "new");
              }}
            >
              {t("newTab")}
            </Button>
          </div>
        </Sheet>
      </Suspense>
    </header>
  );
}
