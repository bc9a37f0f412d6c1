import { useQuery } from "@tanstack/react-query";
import { Check, KeyRound, Link2, LockKeyhole, RotateCw, TextQuote } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useId, useState } from "react";
import { useTexts } from "@/shared/i18n/texts";
import { discoverQuery, hostOf, recogniseKey } from "@/shared/models/providers";
import { Button, IconButton } from "@/shared/ui/button";
import { cx } from "@/shared/ui/cx";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Icon } from "@/shared/ui/icons";
import { Input } from "@/shared/ui/input";
import { Select } from "@/shared/ui/select";
import { Spinner } from "@/shared/ui/spinner";
import { type StepProps, StepSheet } from "../SetupScreen";
import { type Connected, useConnect, useEnable } from "./api";
import { ModelRows, proposed, type Row } from "./ModelRows";
import { modelStepTexts } from "./texts";

type Source = "local" | "key" | "address" | "passages";

const LOOK_AGAIN_MS = 5000;
// For a key of a shape that nobody knows.
const kinds = [
  { value: "openai", label: "OpenAI" },
  { value: "anthropic", label: "Anthropic" },
  { value: "gemini", label: "Google Gemini" },
  { value: "mistral", label: "Mistral" },
  { value: "deepseek", label: "DeepSeek" },
  { value: "xai", label: "xAI" },
  { value: "openrouter", label: "OpenRouter" },
  { value: "groq", label: "Groq" },
];

/** Where answers come from: models of this machine, a key, an address, or none. */
export function ModelStep({ back, next }: StepProps) {
  const t = useTexts(modelStepTexts);
  const discovered = useQuery({
    ...discoverQuery,
    // Who starts Ollama now sees it without asking again.
    refetchInterval: ({ state }) => (state.data?.items.some(({ models }) => models.length) ? false : LOOK_AGAIN_MS),
  });
  const server = discovered.data?.items.find(({ models }) => models.length > 0) ?? discovered.data?.items[0];
  const [picked, pick] = useState<Source | null>(null);
  const source: Source | null = picked ?? (server?.models.length ? "local" : null);
  const [chosen, setChosen] = useState<Partial<Record<Source, ReadonlySet<string>>>>({});
  const [connected, setConnected] = useState<Partial<Record<Source, Connected>>>({});
  const [hint, setHint] = useState("");
  const connect = useConnect();
  const enable = useEnable();

  const modelsOf = (of: Source): readonly Row[] =>
    of === "local" ? (server?.models ?? []) : (connected[of]?.models ?? []);
  const chosenOf = (of: Source) => chosen[of] ?? proposed(modelsOf(of));
  const count = source && source !== "passages" ? chosenOf(source).size : 0;
  const choose = (of: Source) => (names: ReadonlySet<string>) => {
    pick(of);
    setHint("");
    setChosen((current) => ({ ...current, [of]: names }));
  };
  const onConnected = (of: Source) => (found: Connected) => {
    pick(of);
    setHint("");
    setConnected((current) => ({ ...current, [of]: found }));
  };

  const submit = async () => {
    if (!source || source === "passages") return next();
    if (source === "key" && !connected.key) return setHint(t("testFirst"));
    if (source === "address" && !connected.address) return setHint(t("connectFirst"));
    if (count === 0) return setHint(t("pickOne"));
    const names = chosenOf(source);
    const known = source === "local" ? server?.provider_id : connected[source]?.id;
    try {
      if (known) await enable.mutateAsync({ provider: known, names });
      else if (server) {
        await connect.mutateAsync({ kind: server.kind, base_url: server.base_url, models: [...names] });
      }
      next();
    } catch {
      // The mutation shows it above the choices.
    }
  };

  const card = (value: Source) => ({
    value,
    isChosen: source === value,
    onChoose: () => {
      pick(value);
      setHint("");
    },
  });

  return (
    <StepSheet
      title={t("title")}
      lead={t("lead")}
      onSubmit={() => void submit()}
      note={
        <span className="flex items-start gap-1.5">
          <Icon icon={LockKeyhole} size={15} className="mt-0.5" />
          {t("note")}
        </span>
      }
      buttons={
        <>
          {back ? (
            <Button variant="ghost" size="lg" onClick={back}>
              {t("back")}
            </Button>
          ) : null}
          <Button
            type="submit"
            variant="primary"
            size="lg"
            keys={["Enter"]}
            busy={connect.isPending || enable.isPending}
            disabled={source === null}
          >
            {source === "passages" || source === null ? t("usePassages") : t("use", { count })}
          </Button>
        </>
      }
    >
      <FormProblem error={source === "local" ? (connect.error ?? enable.error) : enable.error} className="mb-4" />
      <p role="status" className={hint ? "mb-4 text-brick-text" : "sr-only"}>
        {hint}
      </p>
      <fieldset className="flex min-w-0 flex-col gap-3">
        <legend className="sr-only">{t("source")}</legend>
        <SourceCard
          {...card("local")}
          title={t("local")}
          disabled={!server?.models.length}
          help={
            discovered.isPending
              ? t("localLooking")
              : server
                ? t(server.models.length ? "localFound" : "localEmpty", {
                    label: server.label,
                    address: hostOf(server.base_url),
                  })
                : t("localNone")
          }
          aside={
            discovered.isPending ? (
              <Spinner />
            ) : server?.models.length ? (
              <Done>{t("found")}</Done>
            ) : (
              <IconButton icon={RotateCw} label={t("lookAgain")} onClick={() => void discovered.refetch()} />
            )
          }
        >
          {server?.models.length ? (
            <ModelRows models={server.models} chosen={chosenOf("local")} onChange={choose("local")} />
          ) : null}
        </SourceCard>
        <SourceCard
          {...card("key")}
          title={t("key")}
          help={t("keyText")}
          aside={connected.key ? <Done>{t("found")}</Done> : null}
        >
          <KeyForm onConnected={onConnected("key")} connected={connected.key} onFocus={() => pick("key")} />
          {connected.key ? (
            <ModelRows models={connected.key.models} chosen={chosenOf("key")} onChange={choose("key")} />
          ) : null}
        </SourceCard>
        <SourceCard
          {...card("address")}
          title={t("compatible")}
          help={t("compatibleText")}
          aside={connected.address ? <Done>{t("found")}</Done> : null}
        >
          {source === "address" ? (
            <>
              <AddressForm onConnected={onConnected("address")} connected={connected.address} />
              {connected.address ? (
                <ModelRows
                  models={connected.address.models}
                  chosen={chosenOf("address")}
                  onChange={choose("address")}
                />
              ) : null}
            </>
          ) : null}
        </SourceCard>
        <SourceCard
          {...card("passages")}
          title={t("passages")}
          help={t("passagesText")}
          aside={<Icon icon={TextQuote} size={20} className="text-faint" />}
        />
      </fieldset>
    </StepSheet>
  );
}

/** One way to get answers. What it needs stands below it, also while another is chosen. */
function SourceCard({
  value,
  title,
  help,
  aside,
  isChosen,
  onChoose,
  disabled = false,
  children,
}: {
  value: Source;
  title: string;
  help: string;
  aside?: ReactNode;
  isChosen: boolean;
  onChoose: () => void;
  disabled?: boolean;
  children?: ReactNode;
}) {
  const id = useId();
  return (
    <div
      className={cx(
        "rounded-lg border px-4 py-4 sm:px-5",
        isChosen ? "border-primary shadow-[inset_0_0_0_1px_var(--primary)]" : "border-border",
      )}
    >
      <div className="flex items-center gap-3.5">
        <input
          type="radio"
          name="source"
          id={id}
          value={value}
          checked={isChosen}
          disabled={disabled}
          onChange={onChoose}
          aria-describedby={`${id}-help`}
          className="touch size-[1.125rem] flex-none appearance-none rounded-full border-[1.5px] border-border-strong bg-raised checked:border-[5.5px] checked:border-primary checked:bg-primary-foreground disabled:opacity-50"
        />
        <span className="min-w-0 grow">
          <label htmlFor={id} className="block text-md font-semibold">
            {title}
          </label>
          <span id={`${id}-help`} className="num block text-muted-foreground">
            {help}
          </span>
        </span>
        {aside}
      </div>
      {children ? <div className="mt-3.5 empty:hidden sm:pl-8">{children}</div> : null}
    </div>
  );
}

function Done({ children }: { children: ReactNode }) {
  return (
    <span className="flex items-center gap-1.5 font-medium text-primary-text">
      <Icon icon={Check} size={15} strokeWidth={2.2} />
      {children}
    </span>
  );
}

/** Enter in a field tests what stands in it, instead of going a step further without. */
const onEnter = (run: () => void) => (event: KeyboardEvent) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  run();
};

function KeyForm({
  connected,
  onConnected,
  onFocus,
}: {
  connected: Connected | undefined;
  onConnected: (connected: Connected) => void;
  onFocus: () => void;
}) {
  const t = useTexts(modelStepTexts);
  const connect = useConnect();
  const [key, setKey] = useState("");
  const [hint, setHint] = useState("");
  const [kind, setKind] = useState<string | null>(null);
  const [possible, setPossible] = useState<readonly { value: string; label: string }[] | null>(null);
  const test = async () => {
    if (!key.trim()) return setHint(t("keyMissing"));
    setHint("");
    try {
      let of = kind;
      if (!of) {
        // What is not even a key by its shape is told like one that nobody knows.
        const { kinds: recognised } = await recogniseKey(key.trim()).catch(() => ({ kinds: [] }));
        if (recognised.length !== 1) {
          setPossible(recognised.length ? recognised.map(({ kind, label }) => ({ value: kind, label })) : kinds);
          return setHint(recognised.length ? "" : t("keyUnknown"));
        }
        of = recognised[0]?.kind ?? null;
      }
      if (of) onConnected(await connect.mutateAsync({ kind: of, key: key.trim() }));
    } catch {
      // The mutation shows it below the field.
    }
  };
  return (
    <div>
      <div className="flex flex-wrap items-start gap-2">
        <Field label={t("keyLabel")} hideLabel error={hint || undefined} className="grow basis-64">
          <Input
            icon={KeyRound}
            type="password"
            placeholder={t("keyPlaceholder")}
            autoComplete="off"
            spellCheck={false}
            value={key}
            onFocus={onFocus}
            onChange={(event) => {
              setKey(event.target.value);
              setHint("");
              setKind(null);
              setPossible(null);
              connect.reset();
            }}
            onKeyDown={onEnter(() => void test())}
          />
        </Field>
        {possible ? (
          <Select label={t("whose")} options={possible} value={kind} onChange={setKind} className="!w-44" />
        ) : null}
        <Button size="lg" busy={connect.isPending} onClick={() => void test()}>
          {t("test")}
        </Button>
      </div>
      <FormProblem error={connect.error} className="mt-2" />
      {connected ? (
        <p role="status" className="mt-2 text-primary-text">
          {t("tested", { label: connected.label })}
        </p>
      ) : null}
    </div>
  );
}

function AddressForm({
  connected,
  onConnected,
}: {
  connected: Connected | undefined;
  onConnected: (connected: Connected) => void;
}) {
  const t = useTexts(modelStepTexts);
  const connect = useConnect();
  const [address, setAddress] = useState("");
  const [key, setKey] = useState("");
  const [hint, setHint] = useState("");
  const test = async () => {
    if (!/^https?:\/\/\S+$/.test(address.trim())) return setHint(t("addressWrong"));
    setHint("");
    try {
      onConnected(
        await connect.mutateAsync({ kind: "compatible", base_url: address.trim(), key: key.trim() || undefined }),
      );
    } catch {
      // The mutation shows it below the fields.
    }
  };
  return (
    <div>
      <div className="flex flex-wrap items-end gap-2">
        <Field label={t("address")} error={hint || undefined} className="grow basis-64">
          <Input
            icon={Link2}
            type="url"
            autoComplete="off"
            spellCheck={false}
            value={address}
            onChange={(event) => {
              setAddress(event.target.value);
              setHint("");
            }}
            onKeyDown={onEnter(() => void test())}
          />
        </Field>
        <Field label={t("addressKey")} className="basis-44">
          <Input
            type="password"
            autoComplete="off"
            value={key}
            onChange={(event) => setKey(event.target.value)}
            onKeyDown={onEnter(() => void test())}
          />
        </Field>
        <Button size="lg" busy={connect.isPending} onClick={() => void test()}>
          {t("test")}
        </Button>
      </div>
      <FormProblem error={connect.error} className="mt-2" />
      {connected ? (
        <p role="status" className="mt-2 text-primary-text">
          {t("connected", { label: connected.label })}
        </p>
      ) : null}
    </div>
  );
}
