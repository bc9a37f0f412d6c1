import { problemText, useProblemTexts } from "@/shared/api/texts";
import { type Settings, type SettingsChange, useChangeSettings, useMe } from "@/shared/session/queries";
import { toast } from "@/shared/ui/toast";

/** Saves at once, says the new state, and takes it back on demand. */
export function useSave(): (wanted: SettingsChange, text: string) => void {
  const { settings } = useMe();
  const { mutateAsync } = useChangeSettings();
  const say = useProblemTexts();
  const save = async (wanted: SettingsChange, text: string, undo?: SettingsChange) => {
    try {
      await mutateAsync(wanted);
      toast({ text, undo: undo && (() => mutateAsync(undo)) });
    } catch (error) {
      // The control has jumped back by itself; this says why.
      const { title, advice } = problemText(error, say);
      toast({ text: `${title} ${advice}`.trim() });
    }
  };
  return (wanted, text) => void save(wanted, text, before(settings, wanted));
}

function before(settings: Settings, wanted: SettingsChange): SettingsChange {
  const names = Object.keys(wanted) as (keyof SettingsChange)[];
  return Object.fromEntries(names.map((name) => [name, settings[name]]));
}
