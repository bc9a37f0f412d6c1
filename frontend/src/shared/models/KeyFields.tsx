import { type ReactNode, useState } from "react";
import type { Schemas } from "../api/client";
import { inTextLinkClass } from "../frame/link";
import { useTexts } from "../i18n/texts";
import { Field } from "../ui/field";
import { Input, PasswordInput } from "../ui/input";
import { Select } from "../ui/select";
import type { FormField } from "../ui/use-form";
import { hostOf, recogniseKey } from "./providers";
import { modelsTexts } from "./texts";

export type ProviderKind = Schemas["KindRead"];

const SHORTEST_KEY = 8;

/** Which kind of provider is meant: chosen, or recognised by the shape of a key while nothing is chosen. */
export function useKind(kinds: readonly ProviderKind[]) {
  const [name, choose] = useState<string | null>(null);
  const recognise = (typed: string) => {
    const key = typed.trim();
    if (name || key.length < SHORTEST_KEY) return;
    // A shape that nobody knows is no failure: then one chooses.
    recogniseKey(key).then(
      ({ kinds: [only, another] }) => only && !another && choose(only.kind),
      () => {},
    );
  };
  return { kind: kinds.find((each) => each.kind === name), choose, recognise };
}

export const isWholeKey = (typed: string) => typed.trim().length >= SHORTEST_KEY;

/** Whether an address has to be named, and whether what is named is one. */
export function isAddressFor(kind: ProviderKind | undefined, typed: string, shape: RegExp): boolean {
  const address = typed.trim();
  return address ? shape.test(address) : !kind || Boolean(kind.base_url);
}

/** A key, whose it is, and where it goes. */
export function KeyFields({
  kinds,
  kind,
  kindLabel,
  onKind,
  isKeyOptional = false,
  apiKey,
  onKeyLeft,
  address,
  beside,
}: {
  kinds: readonly ProviderKind[];
  kind: ProviderKind | undefined;
  kindLabel: string;
  onKind: (kind: string) => void;
  isKeyOptional?: boolean;
  apiKey: FormField;
  onKeyLeft: () => void;
  /** Without it nobody may name one. */
  address: FormField | null;
  /** Stands beside the address. */
  beside?: ReactNode;
}) {
  const t = useTexts(modelsTexts);
  return (
    <>
      <Field label={t("key")} optional={isKeyOptional} help={t("key.help")} error={apiKey.error}>
        <PasswordInput
          {...apiKey.control}
          autoComplete="off"
          onBlur={() => {
            apiKey.control.onBlur();
            onKeyLeft();
          }}
        />
      </Field>
      <Field label={kindLabel}>
        <Select
          options={kinds.map(({ kind, label }) => ({ value: kind, label }))}
          value={kind?.kind ?? null}
          onChange={onKind}
        />
      </Field>
      {kind?.keys_at ? (
        <p className="-mt-2 text-xs">
          <a href={kind.keys_at} target="_blank" rel="noreferrer" className={inTextLinkClass}>
            {t("key.at", { host: hostOf(kind.keys_at) })}
          </a>
        </p>
      ) : null}
      {address ? (
        <div className={beside ? "grid gap-4 sm:grid-cols-2" : undefined}>
          <Field
            label={t("key.address")}
            optional={Boolean(kind?.base_url)}
            help={kind?.base_url ? t("key.addressHelp", { usual: kind.base_url }) : undefined}
            error={address.error}
          >
            <Input {...address.control} type="url" autoComplete="off" spellCheck={false} />
          </Field>
          {beside}
        </div>
      ) : null}
    </>
  );
}
