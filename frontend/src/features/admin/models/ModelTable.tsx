import { type KeyboardEvent, useLayoutEffect, useRef, useState } from "react";
import { formatDate, formatList, formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import type { ModelPrice } from "@/shared/models/api";
import { formatRate, tileCode } from "@/shared/models/price";
import { Switch } from "@/shared/ui/choice";
import { cx } from "@/shared/ui/cx";
import { Badge, ModelTile } from "@/shared/ui/marks";
import { Table, TableHead, Td, Th, Tr } from "@/shared/ui/table";
import { toast } from "@/shared/ui/toast";
import { useVirtualRows } from "@/shared/ui/virtual-rows";
import { roleText, rowButtonClass, stickyClass, stickyRowClass } from "../parts";
import { adminTexts } from "../texts";
import { roles } from "../users/api";
import { type AdminModel, useChangeModel } from "./api";
import { adminModelsTexts } from "./texts";

/** So many rows before its end the list is read on. */
const AHEAD = 20;

/** Of what may be a thousand models, the rows in sight. They share the screen's scrolling with what stands above them. */
export function ModelTable({
  models,
  prices,
  chosen,
  onChoose,
  hasMore,
  onEnd,
}: {
  models: readonly AdminModel[];
  prices: ReadonlyMap<string, ModelPrice | null>;
  chosen: string | null;
  onChoose: (id: string) => void;
  hasMore: boolean;
  /** The end is near. */
  onEnd: () => void;
}) {
  const t = useTexts(adminModelsTexts);
  const body = useRef<HTMLTableSectionElement>(null);
  const [margin, setMargin] = useState(0);
  const scroller = () => body.current?.closest<HTMLElement>(".scroll") ?? null;
  const rows = useVirtualRows({ count: models.length, rem: 2.5, scroller, margin });
  useLayoutEffect(() => {
    const frame = scroller();
    if (!frame || !body.current) return;
    const top = body.current.getBoundingClientRect().top - frame.getBoundingClientRect().top + frame.scrollTop;
    setMargin(Math.round(top));
  });
  const last = rows.items.at(-1)?.index ?? 0;
  useLayoutEffect(() => {
    if (hasMore && last >= models.length - AHEAD) onEnd();
  }, [hasMore, last, models.length, onEnd]);

  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const here = Number((event.target as HTMLElement).dataset.row ?? Number.NaN);
    const targets: Record<string, number> = {
      ArrowDown: here + 1,
      ArrowUp: here - 1,
      Home: 0,
      End: models.length - 1,
    };
    const target = targets[event.key];
    if (Number.isNaN(here) || target === undefined) return;
    event.preventDefault();
    const next = Math.min(models.length - 1, Math.max(0, target));
    rows.show(next);
    // It may have to be drawn first.
    requestAnimationFrame(() => body.current?.querySelector<HTMLElement>(`[data-row="${next}"]`)?.focus());
  };
  return (
    <Table
      caption={t("title")}
      onKeyDown={onKeyDown}
      // Columns that follow their content would jump with every row that comes into sight.
      className="table-fixed"
      aria-rowcount={hasMore ? -1 : models.length + 1}
    >
      <TableHead>
        <Th className={stickyClass}>{t("model")}</Th>
        <Th className="w-36 @max-2xl:hidden">{t("provider")}</Th>
        <Th right className="w-24 @max-xl:hidden" title={t("priceTitle")}>
          {t("input")}
        </Th>
        <Th right className="w-24 @max-xl:hidden" title={t("priceTitle")}>
          {t("output")}
        </Th>
        <Th right className="w-28 @max-3xl:hidden">
          {t("window")}
        </Th>
        <Th className="w-36 @max-3xl:hidden">{t("for")}</Th>
        <Th right className="w-14">
          {t("on")}
        </Th>
      </TableHead>
      <tbody ref={body}>
        <Room height={rows.above} />
        {rows.items.map(({ index }) => {
          const model = models[index];
          return model ? (
            <ModelRow
              key={model.id}
              index={index}
              model={model}
              price={prices.get(model.id)}
              isChosen={model.id === chosen}
              onChoose={() => onChoose(model.id)}
            />
          ) : null;
        })}
        <Room height={rows.below} />
      </tbody>
    </Table>
  );
}

function Room({ height }: { height: number }) {
  return height > 0 ? (
    <tr>
      {/* One cell: any more would make columns for those that are hidden where there is little room. */}
      <td style={{ height }} />
    </tr>
  ) : null;
}

function ModelRow({
  index,
  model,
  price,
  isChosen,
  onChoose,
}: {
  index: number;
  model: AdminModel;
  price: ModelPrice | null | undefined;
  isChosen: boolean;
  onChoose: () => void;
}) {
  const t = useTexts(adminModelsTexts);
  const a = useTexts(adminTexts);
  const locale = useLocale();
  const change = useChangeModel();
  const { id, label, is_enabled } = model;
  const rate = (amount: string | null | undefined) =>
    price && amount ? formatRate(amount, price.currency, locale) : "–";
  const flip = (next: boolean) =>
    change.mutate(
      { id, is_enabled: next },
      {
        onSuccess: () =>
          toast({
            text: t(next ? "isOn" : "isOff", { name: label }),
            undo: () => change.mutateAsync({ id, is_enabled: !next }),
          }),
      },
    );
  const isForAll = roles.every((role) => model.enabled_roles.includes(role));
  return (
    <Tr
      selected={isChosen}
      aria-rowindex={index + 2}
      className="group cursor-default"
      onClick={(event) => {
        if (!(event.target as HTMLElement).closest("button, [role=switch], label")) onChoose();
      }}
    >
      <Td className={cx(stickyRowClass(isChosen), "pr-2")}>
        <span className="flex min-w-0 items-center gap-2.5">
          <ModelTile code={tileCode(label)} size={20} />
          <button
            type="button"
            data-row={index}
            aria-current={isChosen ? "true" : undefined}
            onClick={onChoose}
            title={model.name}
            className={cx(rowButtonClass, "min-w-0 truncate", !is_enabled && "!font-normal text-muted-foreground")}
          >
            {label}
          </button>
          {model.gone_at ? <Badge tone="brass">{t("gone")}</Badge> : null}
          {model.deprecated_on ? (
            <span className="@max-xl:hidden">
              <Badge tone="brass">{t("until", { date: formatDate(`${model.deprecated_on}T12:00:00Z`, locale) })}</Badge>
            </span>
          ) : null}
          {model.edited.length > 0 ? <span className="text-xs text-faint @max-2xl:hidden">{t("edited")}</span> : null}
        </span>
      </Td>
      <Td className="truncate text-muted-foreground @max-2xl:hidden">{model.provider.label}</Td>
      <Td right className="@max-xl:hidden">
        {price?.is_free ? (
          <span className="text-muted-foreground">{t("free")}</span>
        ) : price ? (
          rate(price.input)
        ) : price === null ? (
          <span className="text-brass-text">{t("unpriced")}</span>
        ) : (
          <span className="text-faint">–</span>
        )}
      </Td>
      <Td right className="@max-xl:hidden">
        {price && !price.is_free ? rate(price.output) : ""}
      </Td>
      <Td right className="text-muted-foreground @max-3xl:hidden">
        {model.context_total === null ? "–" : formatNumber(model.context_total, {}, locale)}
      </Td>
      <Td className="truncate text-muted-foreground @max-3xl:hidden">
        {isForAll
          ? t("everyone")
          : model.enabled_roles.length === 0
            ? t("nobody")
            : formatList(
                model.enabled_roles.map((role) => roleText(a, role)),
                locale,
              )}
      </Td>
      <Td right>
        <span className="inline-flex align-middle [&_span.min-w-0]:sr-only">
          <Switch label={t("use", { name: label })} checked={is_enabled} onChange={flip} disabled={change.isPending} />
        </span>
      </Td>
    </Tr>
  );
}
