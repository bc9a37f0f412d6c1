import { RotateCcw } from "lucide-react";
import { useMemo, useState, useSyncExternalStore } from "react";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { parseBinding, showBinding } from "@/shared/keys/binding";
import {
  type ActionDefinition,
  allActions,
  bindingOf,
  keysVersion,
  subscribeKeys,
  type Where,
} from "@/shared/keys/registry";
import { isMac } from "@/shared/keys/use-keys";
import { useMe } from "@/shared/session/queries";
import { Button, IconButton } from "@/shared/ui/button";
import { SearchField } from "@/shared/ui/input";
import { Kbd } from "@/shared/ui/kbd";
import { Badge } from "@/shared/ui/marks";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { isChanged, without } from "./bindings";
import { KeyRecorder } from "./KeyRecorder";
import { SettingGroup } from "./parts";
import { settingsTexts } from "./texts";
import { useSave } from "./use-save";

const places: readonly Where[] = ["anywhere", "tabs", "list", "grid", "composer", "transcript", "palette"];

const plain = (text: string) => text.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();

export function KeysSection() {
  const t = useTexts(settingsTexts);
  const { language } = useLocale();
  const { settings } = useMe();
  const save = useSave();
  const version = useSyncExternalStore(subscribeKeys, keysVersion);
  const [query, setQuery] = useState("");
  const [recording, setRecording] = useState<ActionDefinition | null>(null);
  const keys = settings.keys ?? {};

  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for the actions and their keys
  const shown = useMemo(() => {
    const needles = plain(query).split(/\s+/).filter(Boolean);
    return allActions().filter((action) => {
      const text = plain(
        [
          action.title[language],
          action.description?.[language],
          ...showBinding(bindingOf(action.id), language, isMac),
        ].join(" "),
      );
      return needles.every((needle) => text.includes(needle));
    });
  }, [query, language, version]);
  const changed = Object.keys(keys).some((id) => isChanged(keys, id));

  return (
    <SettingGroup
      id="bindings"
      lead={t("keysLead")}
      actions={
        <Button icon={RotateCcw} disabled={!changed} onClick={() => save({ keys: {} }, t("keysAllReset"))}>
          {t("keysResetAll")}
        </Button>
      }
    >
      <SearchField label={t("keysSearch")} value={query} onChange={setQuery} className="max-w-80" />
      <p role="status" className="sr-only">
        {query ? t("keysFound", { count: shown.length }) : ""}
      </p>
      {shown.length === 0 ? <p className="py-6 text-muted-foreground">{t("keysNone", { query })}</p> : null}
      {places.map((place) => (
        <KeyTable
          key={place}
          place={place}
          actions={shown.filter((action) => action.where === place)}
          keys={keys}
          onRecord={setRecording}
          onReset={(action) =>
            save({ keys: without(keys, action.id) }, t("keyReset", { action: action.title[language] }))
          }
        />
      ))}
      {recording ? <KeyRecorder action={recording} onClose={() => setRecording(null)} /> : null}
    </SettingGroup>
  );
}

const placeNames = {
  anywhere: "whereAnywhere",
  tabs: "whereTabs",
  list: "whereList",
  grid: "whereGrid",
  composer: "whereComposer",
  transcript: "whereTranscript",
  palette: "wherePalette",
} as const;

function KeyTable({
  place,
  actions,
  keys,
  onRecord,
  onReset,
}: {
  place: Where;
  actions: readonly ActionDefinition[];
  keys: Readonly<Record<string, string>>;
  onRecord: (action: ActionDefinition) => void;
  onReset: (action: ActionDefinition) => void;
}) {
  const t = useTexts(settingsTexts);
  const { language } = useLocale();
  if (actions.length === 0) return null;
  const name = t(placeNames[place]);
  return (
    <div className="mt-6">
      <h3 className="font-semibold">{name}</h3>
      <Table caption={t("keysOf", { place: name })}>
        <TableHead>
          <Th>{t("keyAction")}</Th>
          <Th className="w-40 @max-xl:w-28">{t("keyKey")}</Th>
          <Th className="w-36 @max-xl:w-24">
            <span className="sr-only">{t("keyChange")}</span>
          </Th>
        </TableHead>
        <tbody>
          {actions.map((action) => {
            const shown = showBinding(bindingOf(action.id), language, isMac);
            const title = action.title[language];
            const own = isChanged(keys, action.id);
            return (
              <Tr key={action.id}>
                <Td className="py-2">
                  <span className="flex flex-wrap items-center gap-x-2">
                    {title}
                    {own ? <Badge tone="primary">{t("keyOwn")}</Badge> : null}
                  </span>
                  {action.description ? (
                    <span className="block text-xs text-muted-foreground @max-xl:hidden">
                      {action.description[language]}
                    </span>
                  ) : null}
                </Td>
                <Td>{shown.length ? <Kbd keys={shown} /> : <span className="text-faint">{t("keyNone")}</span>}</Td>
                <Td right>
                  <span className="flex items-center justify-end gap-1">
                    {own ? (
                      <IconButton
                        icon={RotateCcw}
                        size="sm"
                        label={t("keyResetOne", {
                          action: title,
                          keys: showBinding(parseBinding(action.keys ?? ""), language, isMac).join(" ") || t("keyNone"),
                        })}
                        onClick={() => onReset(action)}
                      />
                    ) : null}
                    <Button
                      variant="ghost"
                      size="sm"
                      aria-label={t("keyChangeOf", { action: title })}
                      onClick={() => onRecord(action)}
                    >
                      {t("keyChange")}
                    </Button>
                  </span>
                </Td>
              </Tr>
            );
          })}
        </tbody>
      </Table>
    </div>
  );
}
