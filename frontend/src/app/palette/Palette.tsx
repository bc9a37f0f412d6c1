import { Dialog } from "@base-ui/react/dialog";
import { Command, Search as SearchIcon } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import { matchRoute, type PaletteEntry, type PaletteProvider } from "@/shared/frame/feature";
import { useIsPhone } from "@/shared/frame/use-media";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { showBinding } from "@/shared/keys/binding";
import { type ActionDefinition, actionById, bindingOf, type Where } from "@/shared/keys/registry";
import { isMac, runAction, useOfferedActions } from "@/shared/keys/use-keys";
import { useMe } from "@/shared/session/queries";
import { cx } from "@/shared/ui/cx";
import { backdropClass } from "@/shared/ui/dialog";
import { Icon } from "@/shared/ui/icons";
import { Kbd } from "@/shared/ui/kbd";
import { Spinner, useLate } from "@/shared/ui/spinner";
import { useDesk } from "../desk/store";
import { areas, features, routes } from "../features";
import { appTexts } from "../texts";
import { usePanes } from "../workspace";
import { marked, rank } from "./search";

interface Group {
  readonly id: string;
  readonly title: string;
  readonly entries: readonly PaletteEntry[];
  /** Nothing can come before it any more: everything above has answered, and it has too. */
  readonly isSettled: boolean;
}

const PER_GROUP = 6;
const WAIT_MS = 120;
const providers: readonly PaletteProvider[] = features
  .flatMap((feature) => feature.palette ?? [])
  .toSorted((a, b) => Number(a.isContent ?? false) - Number(b.isContent ?? false));

/** Goes anywhere and does anything by its name. Words appear at once; what the server finds comes below them. */
export default function Palette({ open, onClose }: { open: boolean; onClose: () => void }) {
  const isPhone = useIsPhone();
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={backdropClass} />
        <Dialog.Popup
          className={cx(
            "rise fixed z-40 flex flex-col overflow-hidden bg-raised shadow-dialog outline-none",
            isPhone
              ? "inset-x-0 top-0 bottom-0 pb-[env(safe-area-inset-bottom)]"
              : "top-[min(6.5rem,12vh)] left-1/2 h-[min(36.25rem,calc(100dvh-8rem))] w-[min(51.25rem,calc(100vw-2rem))] -translate-x-1/2 rounded-xl",
          )}
        >
          <Search onClose={onClose} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Search({ onClose }: { onClose: () => void }) {
  const t = useTexts(appTexts);
  const isPhone = useIsPhone();
  const panes = usePanes();
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState<string | null>(null);
  const [entered, setEntered] = useState<{ inNewTab: boolean } | null>(null);
  const listId = useId();
  const list = useRef<HTMLDivElement>(null);
  const { groups, isSearching } = useGroups(query);
  const late = useLate(isSearching, 400);
  const entries = groups.flatMap((group) => group.entries.map((entry) => ({ group, entry })));
  const pointed = entries.find(({ group, entry }) => keyOf(group, entry) === chosen);
  const active = pointed ?? entries[0];
  // The first line may still belong to what was typed before, or be pushed down; one that was pointed at is meant.
  const isSure = pointed !== undefined || entries[0]?.group.isSettled === true;
  const activeKey = active ? keyOf(active.group, active.entry) : null;
  const { needle, scope } = splitQuery(query);

  useEffect(() => {
    if (activeKey) list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [activeKey]);

  const choose = (entry: PaletteEntry, inNewTab: boolean) => {
    onClose();
    // After the dialog has given the focus back, so that what is opened may take it.
    queueMicrotask(() => {
      if (entry.path !== undefined) panes.open(entry.path, inNewTab ? "new" : "here");
      else entry.run?.();
    });
  };
  // Whoever knows what comes types and presses Enter at once; the deed waits for the answer to what was typed.
  useEffect(() => {
    if (!entered || (isSearching && !isSure)) return;
    setEntered(null);
    if (active) choose(active.entry, entered.inNewTab);
  });
  const step = (by: number) => {
    setEntered(null);
    if (entries.length === 0) return;
    const index = entries.findIndex(({ group, entry }) => keyOf(group, entry) === activeKey);
    const next = entries[(index + by + entries.length) % entries.length];
    if (next) setChosen(keyOf(next.group, next.entry));
  };
  const search = (text: string) => {
    setQuery(text);
    setChosen(null);
    setEntered(null);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown") step(1);
    else if (event.key === "ArrowUp") step(-1);
    else if (event.key === "PageDown") step(Math.min(8, entries.length - 1));
    else if (event.key === "PageUp") step(-Math.min(8, entries.length - 1));
    else if (event.key === "Tab" && !event.shiftKey) search(nextScope(query));
    else if (event.key === "Enter") setEntered({ inNewTab: event.ctrlKey || event.metaKey });
    else return;
    event.preventDefault();
  };

  return (
    <>
      <Dialog.Title className="sr-only">{t("palette")}</Dialog.Title>
      <header className="flex h-14 flex-none items-center gap-3 border-b border-border px-5">
        <Icon icon={SearchIcon} size={19} className="text-muted-foreground" />
        <input
          // biome-ignore lint/a11y/noAutofocus: whoever opens the palette wants to type
          autoFocus
          role="combobox"
          aria-expanded="true"
          aria-controls={listId}
          aria-activedescendant={activeKey ? `${listId}-${activeKey}` : undefined}
          aria-autocomplete="list"
          aria-label={t("paletteField")}
          placeholder={t("paletteField")}
          autoComplete="off"
          spellCheck={false}
          value={query}
          onChange={(event) => search(event.target.value)}
          onKeyDown={onKeyDown}
          className="min-w-0 grow bg-transparent text-lg outline-none placeholder:text-faint"
        />
        {late ? <Spinner size={16} /> : null}
        {isPhone ? (
          <Dialog.Close className="h-11 rounded-sm px-2 font-medium text-primary-text">
            {t("closePalette")}
          </Dialog.Close>
        ) : (
          <span className="flex items-center gap-1.5 text-xs text-muted-foreground">
            {scopeName(scope, t("everywhere"), t("onlyCommands"))}
            <Kbd keys={["Tab"]} />
          </span>
        )}
      </header>
      <div className="flex min-h-0 grow">
        <div
          ref={list}
          id={listId}
          role="listbox"
          aria-label={t("results")}
          className="min-h-0 w-full overflow-y-auto px-2 pb-2 md:w-[29.875rem] md:flex-none"
        >
          {groups.map((group) => (
            // biome-ignore lint/a11y/useSemanticElements: a group of options has no element of its own outside select
            <div key={group.id} role="group" aria-label={group.title}>
              <div aria-hidden="true" className="cap px-3 pt-3 pb-1">
                {group.title}
              </div>
              {group.entries.map((entry) => (
                <Row
                  key={entry.id}
                  id={`${listId}-${keyOf(group, entry)}`}
                  entry={entry}
                  query={needle}
                  isActive={keyOf(group, entry) === activeKey}
                  onPoint={() => setChosen(keyOf(group, entry))}
                  onChoose={(inNewTab) => choose(entry, inNewTab)}
                />
              ))}
            </div>
          ))}
          {entries.length === 0 && !isSearching ? (
            <div className="px-3 py-6 text-muted-foreground">
              <p className="text-foreground">{t("nothingFound", { query: needle })}</p>
              <p>{t("nothingFoundHint")}</p>
            </div>
          ) : null}
        </div>
        <aside
          aria-label={t("preview")}
          className="hidden min-h-0 grow flex-col overflow-y-auto border-l border-border bg-sunken p-5 md:flex"
        >
          {active ? <Preview entry={active.entry} /> : null}
        </aside>
      </div>
      {isPhone ? null : (
        <footer className="flex h-10 flex-none items-center gap-4 border-t border-border px-4 text-xs text-muted-foreground">
          <span className="flex items-center gap-1.5">
            <Kbd keys={["Enter"]} />
            {active?.entry.run ? t("runCommand") : t("openEntry")}
          </span>
          {active?.entry.run ? null : (
            <span className="flex items-center gap-1.5">
              <Kbd keys={[isMac ? "⌘ Enter" : `${t("modKey")} Enter`]} />
              {t("openInNewTab")}
            </span>
          )}
          <span className="grow" />
          {providers
            .filter((provider) => provider.prefix)
            .map((provider) => (
              <ScopeHint key={provider.id} provider={provider} />
            ))}
          <span className="flex items-center gap-1.5">
            <Kbd keys={[">"]} />
            {t("onlyCommands")}
          </span>
        </footer>
      )}
      <div aria-live="polite" className="sr-only">
        {t("paletteCount", { count: entries.length })}
      </div>
    </>
  );
}

const keyOf = (group: Group, entry: PaletteEntry) => `${group.id}-${entry.id}`.replaceAll(/[^A-Za-z0-9_-]/g, "_");

function ScopeHint({ provider }: { provider: PaletteProvider }) {
  const { language } = useLocale();
  return (
    <span className="flex items-center gap-1.5">
      <Kbd keys={[provider.prefix as string]} />
      {(provider.prefixTitle ?? provider.title)[language]}
    </span>
  );
}

type Scope = ">" | "@" | "#" | null;

function splitQuery(query: string): { scope: Scope; needle: string } {
  const first = query.trimStart()[0];
  if (first === ">" || first === "@" || first === "#")
    return { scope: first, needle: query.trimStart().slice(1).trim() };
  return { scope: null, needle: query.trim() };
}

function nextScope(query: string): string {
  const { scope, needle } = splitQuery(query);
  const scopes: Scope[] = [null, ...providers.flatMap((provider) => provider.prefix ?? []), ">"];
  const next = scopes[(scopes.indexOf(scope) + 1) % scopes.length];
  return next ? `${next} ${needle}` : needle;
}

function scopeName(scope: Scope, everywhere: string, commands: string): string {
  if (scope === ">") return commands;
  return scope ?? everywhere;
}

function Row({
  id,
  entry,
  query,
  isActive,
  onPoint,
  onChoose,
}: {
  id: string;
  entry: PaletteEntry;
  query: string;
  isActive: boolean;
  onPoint: () => void;
  onChoose: (inNewTab: boolean) => void;
}) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are handled by the field, which keeps the focus
    // biome-ignore lint/a11y/useFocusableInteractive: options of a combobox are pointed at, not focused
    <div
      id={id}
      role="option"
      aria-selected={isActive}
      onPointerMove={isActive ? undefined : onPoint}
      onClick={(event) => onChoose(event.ctrlKey || event.metaKey)}
      className={cx(
        "flex min-h-[2.375rem] cursor-default items-center gap-3 rounded-md px-3 pointer-coarse:min-h-11",
        isActive && "bg-selected",
      )}
    >
      <Icon icon={entry.icon} className="text-faint" />
      <span className="truncate">
        {marked(entry.title, query).map((piece, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text have only their place
          <span key={index} className={piece.hit ? "font-semibold text-primary-text" : undefined}>
            {piece.text}
          </span>
        ))}
      </span>
      {entry.hint ? <span className="truncate text-faint">{entry.hint}</span> : null}
      <span className="grow" />
      {entry.aside ? <span className="num text-xs whitespace-nowrap text-muted-foreground">{entry.aside}</span> : null}
      {entry.keys?.length ? <Kbd keys={entry.keys} /> : null}
    </div>
  );
}

function Preview({ entry }: { entry: PaletteEntry }) {
  const { preview } = entry;
  if (preview?.body) return preview.body();
  return (
    <>
      <div className="flex items-center gap-2.5">
        <Icon icon={entry.icon} size={18} className="text-primary-text" />
        <h3 className="text-md font-semibold">{preview?.title ?? entry.title}</h3>
      </div>
      {preview?.text ? <p className="reading mt-2 text-muted-foreground">{preview.text}</p> : null}
      {preview?.facts?.length ? (
        <dl className="mt-4 border-t border-border">
          {preview.facts.map(([label, value]) => (
            <div key={label} className="flex min-h-9 items-center gap-3 border-b border-border py-1.5">
              <dt className="w-24 flex-none text-muted-foreground">{label}</dt>
              <dd className="num min-w-0 grow break-words">{value}</dd>
            </div>
          ))}
        </dl>
      ) : null}
    </>
  );
}

/** What there is to choose from. The groups stand in a fixed order, so late answers move nothing that is shown. */
function useGroups(query: string): { groups: readonly Group[]; isSearching: boolean } {
  const t = useTexts(appTexts);
  const { language } = useLocale();
  const places = usePlaces();
  const tabs = useTabs();
  const commands = useCommands();
  const { scope, needle } = splitQuery(query);
  const found = useProviders(needle, scope);
  const groups: Group[] = [];
  let isSettled = true;
  const add = (id: string, title: string, entries: readonly PaletteEntry[], limit = PER_GROUP) => {
    if (entries.length > 0) groups.push({ id, title, entries: entries.slice(0, limit), isSettled });
  };
  if (scope === null) {
    const shownTabs = rank(tabs, needle);
    const open = new Set(shownTabs.map((entry) => entry.path));
    add(
      "go",
      t("goTo"),
      [...shownTabs, ...rank(places, needle).filter((entry) => !open.has(entry.path))],
      needle ? 8 : 9,
    );
  }
  for (const { provider, isPending, entries } of found) {
    isSettled &&= !isPending;
    add(`provider-${provider.id}`, provider.title[language], entries);
  }
  if (scope === null || scope === ">") {
    add("commands", t("onlyCommands"), rank(commands, needle), scope === ">" ? 100 : needle ? PER_GROUP : 5);
  }
  return { groups, isSearching: found.some(({ isPending }) => isPending) };
}

/** Every area and every screen without parameters that this person may see. */
function usePlaces(): readonly PaletteEntry[] {
  const t = useTexts(appTexts);
  const me = useMe();
  const { language } = useLocale();
  return useMemo(() => {
    const seen = new Set<string>();
    const entries: PaletteEntry[] = [];
    const add = (path: string, title: string, hint: string | undefined, icon: PaletteEntry["icon"], keys: string[]) => {
      if (seen.has(path)) return;
      seen.add(path);
      const facts: [string, string][] = [[t("path"), path]];
      if (keys.length > 0) facts.push([t("keyLabel"), keys.join(" ")]);
      entries.push({ id: path, title, hint, icon, path, keys, preview: { title, text: hint, facts } });
    };
    for (const area of areas) {
      if (!(area.visible?.(me) ?? true)) continue;
      add(
        area.path,
        area.title[language],
        undefined,
        area.icon,
        showBinding(bindingOf(`go.${area.id}`), language, isMac),
      );
    }
    for (const route of routes) {
      if (route.look === "plain" || route.path.includes("$") || !(route.visible?.(me) ?? true)) continue;
      const area = areas.find((candidate) => candidate.id === route.area);
      if (area && !(area.visible?.(me) ?? true)) continue;
      const title = route.title[language];
      add(route.path, title, area && area.title[language] !== title ? area.title[language] : undefined, route.icon, []);
    }
    return entries;
  }, [me, language, t]);
}

function useTabs(): readonly PaletteEntry[] {
  const t = useTexts(appTexts);
  const desk = useDesk();
  const panes = usePanes();
  return useMemo(() => {
    const fallback = routes[0];
    return desk.tabs.flatMap((tab): PaletteEntry[] => {
      const icon = (matchRoute(routes, tab.path)?.route ?? fallback)?.icon;
      if (!icon || tab.id === panes.shown[panes.focused]) return [];
      return [
        {
          id: `tab-${tab.id}`,
          title: tab.title,
          aside: t("openNow"),
          icon,
          run: () => panes.activate(tab.id),
          preview: { title: tab.title, facts: [[t("path"), tab.path]] },
        },
      ];
    });
  }, [desk.tabs, panes, t]);
}

function useCommands(): readonly PaletteEntry[] {
  const t = useTexts(appTexts);
  const { language } = useLocale();
  const offered = useOfferedActions();
  return useMemo(() => {
    const places: Record<Where, string> = {
      anywhere: t("whereAnywhere"),
      tabs: t("whereTabs"),
      list: t("whereList"),
      grid: t("whereGrid"),
      composer: t("whereComposer"),
      transcript: t("whereTranscript"),
      palette: t("wherePalette"),
    };
    const actions = offered
      .map(actionById)
      .filter(
        (action): action is ActionDefinition => action !== undefined && !action.hidden && !action.id.startsWith("go."),
      );
    return actions.map((action) => {
      const keys = showBinding(bindingOf(action.id), language, isMac);
      return {
        id: action.id,
        title: action.title[language],
        // By its name in the other language too: people learn them from each other.
        words: `${action.title.en} ${action.title.de} ${action.words?.[language] ?? ""}`,
        icon: Command,
        keys,
        run: () => void runAction(action.id),
        preview: {
          title: action.title[language],
          text: action.description?.[language],
          facts: [
            [t("keyLabel"), keys.join(" ") || t("noKey")],
            [t("groupLabel"), places[action.where]],
          ],
        },
      };
    });
  }, [offered, language, t]);
}

interface Found {
  readonly provider: PaletteProvider;
  /** Until it has answered, what it found for the words before stays in place. */
  readonly isPending: boolean;
  readonly entries: readonly PaletteEntry[];
}

/** Asks the features' providers a moment after the last key, and drops answers that come too late. */
function useProviders(needle: string, scope: Scope): readonly Found[] {
  const me = useMe();
  const { language } = useLocale();
  const question = `${scope ?? ""}${needle}`;
  const [answers, setAnswers] = useState<ReadonlyMap<string, { question: string; entries: readonly PaletteEntry[] }>>(
    new Map(),
  );
  const asked = useMemo(
    () =>
      providers.filter(
        (provider) =>
          (provider.visible?.(me) ?? true) && (scope === null ? needle.length >= 2 : provider.prefix === scope),
      ),
    [needle, scope, me],
  );
  useEffect(() => {
    setAnswers((current) => new Map([...current].filter(([id]) => asked.some((provider) => provider.id === id))));
    const abort = new AbortController();
    const timer = setTimeout(() => {
      for (const provider of asked) {
        void Promise.resolve(provider.search(needle, { me, language, signal: abort.signal }))
          // A provider that fails must not take the others with it; its own screen tells what is wrong.
          .catch(() => [])
          .then((entries) => {
            if (abort.signal.aborted) return;
            setAnswers((current) => new Map(current).set(provider.id, { question, entries }));
          });
      }
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [asked, needle, question, me, language]);
  return asked.map((provider) => {
    const answer = answers.get(provider.id);
    return { provider, isPending: answer?.question !== question, entries: answer?.entries ?? [] };
  });
}
