import { CalendarDays } from "lucide-react";
import { type ReactNode, useRef, useState } from "react";
import { type Day, readDay, writeDay } from "../i18n/days";
import { useLocale } from "../i18n/locale";
import { useTexts } from "../i18n/texts";
import { IconButton } from "./button";
import { Calendar } from "./calendar";
import { Field } from "./field";
import { Input } from "./input";
import { Popover } from "./popover";
import { uiTexts } from "./texts";

/**
 * A day, typed in the person's own format or chosen from a calendar. The browser's field for dates follows the
 * browser's language, which may be another one.
 */
export function DateField({
  label,
  value,
  onChange,
  error,
  className,
}: {
  label: ReactNode;
  value: Day | undefined;
  onChange: (day: Day | undefined) => void;
  error?: string;
  className?: string;
}) {
  const t = useTexts(uiTexts);
  const locale = useLocale();
  const written = value ? writeDay(value, locale) : "";
  const [typed, setTyped] = useState({ text: written, from: written });
  const [isWrong, setWrong] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const start = useRef<HTMLButtonElement>(null);
  // A day that comes from elsewhere takes the place of what is typed.
  const text = typed.from === written ? typed.text : written;
  const commit = () => {
    const day = readDay(text);
    const isEmpty = text.trim() === "";
    setWrong(!day && !isEmpty);
    if (!day && !isEmpty) return;
    setTyped({ text: day ? writeDay(day, locale) : "", from: written });
    if ((day ?? undefined) !== value) onChange(day ?? undefined);
  };
  const choose = (day: Day) => {
    setOpen(false);
    setWrong(false);
    setTyped({ text: writeDay(day, locale), from: written });
    onChange(day);
  };
  return (
    <Field
      label={<span className="text-xs font-normal text-faint">{label}</span>}
      help={<span className="sr-only">{t("dateHint", { format: t("dateFormat") })}</span>}
      error={isWrong && typed.from === written ? t("dateWrong", { format: t("dateFormat") }) : error}
      className={className}
    >
      <Input
        value={text}
        placeholder={t("dateFormat")}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => {
          setTyped({ text: event.target.value, from: written });
          setWrong(false);
        }}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key === "Enter") commit();
        }}
        className="num [&>input]:!h-8 [&>input]:!px-2.5 pointer-coarse:[&>input]:!h-11"
        suffix={
          <Popover
            open={isOpen}
            onOpenChange={setOpen}
            align="end"
            label={t("chooseDay")}
            initialFocus={start}
            trigger={<IconButton icon={CalendarDays} size="sm" label={t("chooseDay")} />}
            className="!p-3"
          >
            <Calendar value={value} onChoose={choose} dayRef={start} />
          </Popover>
        }
      />
    </Field>
  );
}
