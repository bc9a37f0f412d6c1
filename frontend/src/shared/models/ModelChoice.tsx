import { ChevronDown, House } from "lucide-react";
import { useState } from "react";
import { useIsNarrow } from "../frame/use-media";
import { useTexts } from "../i18n/texts";
import { buttonClass } from "../ui/button";
import { cx } from "../ui/cx";
import { Icon } from "../ui/icons";
import { ModelTile } from "../ui/marks";
import { Popover } from "../ui/popover";
import { Sheet } from "../ui/sheet";
import type { ModelInfo, TokenCount } from "./api";
import type { Need, Way } from "./fit";
import { ModelPicker } from "./ModelPicker";
import { tileCode } from "./price";
import { modelsTexts } from "./texts";

/** The button that names the model in use and opens the picker: a popover on a desk, a sheet on a phone. */
export function ModelChoice({
  models,
  need,
  counts,
  value,
  onChoose,
  side = "bottom",
  className,
}: {
  models: readonly ModelInfo[];
  need?: Need | null;
  counts?: ReadonlyMap<string, TokenCount>;
  value: string | null;
  onChoose: (model: ModelInfo, way: Way | null) => void;
  side?: "top" | "bottom";
  className?: string;
}) {
  const t = useTexts(modelsTexts);
  const isNarrow = useIsNarrow();
  const [isOpen, setOpen] = useState(false);
  const chosen = models.find(({ id }) => id === value);
  const label = chosen ? t("chosen", { name: chosen.label }) : t("choose");
  const look = buttonClass("outline", "lg", cx("max-w-full min-w-0 !shrink !justify-start !px-3", className));
  const content = chosen ? (
    <>
      <ModelTile code={tileCode(chosen.label)} size={20} />
      <span className="truncate">{chosen.label}</span>
      {chosen.provider.is_local ? <Icon icon={House} size={13} className="text-muted-foreground" /> : null}
      <Icon icon={ChevronDown} size={14} className="text-faint" />
    </>
  ) : (
    <>
      <span className="truncate">{t("choose")}</span>
      <Icon icon={ChevronDown} size={14} className="text-faint" />
    </>
  );
  const picker = (
    <ModelPicker
      models={models}
      need={need}
      counts={counts}
      value={value}
      onChoose={(model, way) => {
        setOpen(false);
        onChoose(model, way);
      }}
    />
  );
  if (isNarrow) {
    return (
      <>
        <button type="button" aria-label={label} aria-haspopup="dialog" className={look} onClick={() => setOpen(true)}>
          {content}
        </button>
        <Sheet open={isOpen} onOpenChange={setOpen} title={t("choose")}>
          {picker}
        </Sheet>
      </>
    );
  }
  return (
    <Popover
      open={isOpen}
      onOpenChange={setOpen}
      label={t("choose")}
      side={side}
      className="w-[38.75rem] !max-w-[calc(100vw-1rem)] overflow-hidden rounded-lg !p-0"
      trigger={
        <button type="button" aria-label={label} className={look}>
          {content}
        </button>
      }
    >
      {picker}
    </Popover>
  );
}
