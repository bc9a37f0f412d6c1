import { ChevronDown } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useIsNarrow } from "../frame/use-media";
import { useTexts } from "../i18n/texts";
import { buttonClass } from "../ui/button";
import { cx } from "../ui/cx";
import { Icon } from "../ui/icons";
import { ModelTile } from "../ui/marks";
import { Popover } from "../ui/popover";
import { Sheet } from "../ui/sheet";
import { useFavourites } from "./choosing";
import { LocalMark } from "./facts";
import type { ModelPickerProps } from "./ModelPicker";
import { tileCode } from "./price";
import { modelsTexts } from "./texts";

// Whoever writes does not choose a model each time, so what choosing needs comes with the first time.
const ModelPicker = lazy(() => import("./ModelPicker").then((module) => ({ default: module.ModelPicker })));

/**
 * The button that names the model in use and opens the picker: a popover on a desk, a sheet on a phone. Favourites are
 * those of whoever is signed in.
 */
export function ModelChoice({
  side = "bottom",
  className,
  onChoose,
  ...rest
}: Omit<ModelPickerProps, "favourites" | "onFavourite"> & { side?: "top" | "bottom"; className?: string }) {
  const t = useTexts(modelsTexts);
  const isNarrow = useIsNarrow();
  const [isOpen, setOpen] = useState(false);
  const { favourites, mark } = useFavourites();
  const chosen = rest.models.find(({ id }) => id === rest.value);
  const label = chosen ? t("chosen", { name: chosen.label }) : t("choose");
  const look = buttonClass("outline", "lg", cx("max-w-full min-w-0 !shrink !justify-start !px-3", className));
  const content = chosen ? (
    <>
      <ModelTile code={tileCode(chosen.label)} size={20} />
      <span className="truncate">{chosen.label}</span>
      {chosen.provider.is_local ? <LocalMark t={t} /> : null}
      <Icon icon={ChevronDown} size={14} className="text-faint" />
    </>
  ) : (
    <>
      <span className="truncate">{t("choose")}</span>
      <Icon icon={ChevronDown} size={14} className="text-faint" />
    </>
  );
  const picker = (
    <Suspense fallback={<div className={isNarrow ? "h-96" : "h-[27rem] w-[38.75rem] max-w-full"} />}>
      <ModelPicker
        {...rest}
        favourites={favourites}
        onFavourite={mark}
        onChoose={(model, way) => {
          setOpen(false);
          onChoose(model, way);
        }}
      />
    </Suspense>
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
      className="!max-w-[calc(100vw-1rem)] overflow-hidden rounded-lg !p-0"
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
