import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { isAddressFor, KeyFields, useKind } from "@/shared/models/KeyFields";
import { Button } from "@/shared/ui/button";
import { Checkbox } from "@/shared/ui/choice";
import { AlertDialog, Dialog } from "@/shared/ui/dialog";
import { Field, FieldGroup } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input, PasswordInput } from "@/shared/ui/input";
import { Notice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { adminTexts } from "../texts";
import {
  type Provider,
  type ProviderKey,
  providersQuery,
  useAddKey,
  useChangeProvider,
  useDeleteKey,
  useDeleteProvider,
  useMakeProvider,
} from "./api";
import { providersTexts } from "./texts";

const addressShape = /^https?:\/\/\S+$/;
export function AddDialog({ onClose }: { onClose: (made?: string) => void }) {
  const t = useTexts(providersTexts);
  const { data } = useQuery(providersQuery);
  const kinds = data?.kinds ?? [];
  const { kind, choose, recognise } = useKind(kinds);
  const make = useMakeProvider();
  const { form, field, values } = useForm({
    initial: { key: "", label: "", address: "" },
    problem: make.error,
    serverNames: { address: "base_url" },
    check: ({ key, address }) => ({
      key: kind?.needs_key && !key.trim() ? t("keyMissing") : undefined,
      address: isAddressFor(kind, address, addressShape) ? undefined : t("addressMissing"),
    }),
    onSubmit: ({ key, label, address }) => {
      if (!kind) return;
      make.mutate(
        {
          kind: kind.kind,
          ...(key.trim() ? { key: key.trim() } : {}),
          ...(label.trim() ? { label: label.trim() } : {}),
          ...(address.trim() ? { base_url: address.trim() } : {}),
        },
        {
          onSuccess: (made) => {
            toast({ text: t("added", { name: made.label }) });
            onClose(made.id);
          },
        },
      );
    },
  });
  const [key, label, address] = [field("key"), field("label"), field("address")];
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("addTitle")}
      description={t("addText")}
      footer={
        <>
          <Button variant="ghost" onClick={() => onClose()}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="add-provider" variant="primary" busy={make.isPending} disabled={!kind}>
            {t("add")}
          </Button>
        </>
      }
    >
      <form {...form} id="add-provider" className="flex flex-col gap-4">
        <FormProblem error={make.error} fields={["key", "label", "base_url"]} />
        <KeyFields
          kinds={kinds}
          kind={kind}
          kindLabel={t("kind")}
          onKind={choose}
          isKeyOptional={!kind?.needs_key}
          apiKey={key}
          onKeyLeft={() => recognise(values.key)}
          address={address}
          beside={
            <Field label={t("label")} optional help={t("labelHelp")} error={label.error}>
              <Input {...label.control} autoComplete="off" />
            </Field>
          }
        />
      </form>
    </Dialog>
  );
}

const phases = ["connect", "first_byte", "idle", "total"] as const;

export function EditDialog({ provider, onClose }: { provider: Provider; onClose: () => void }) {
  const t = useTexts(providersTexts);
  const a = useTexts(adminTexts);
  const locale = useLocale();
  const change = useChangeProvider();
  const [opened] = useState(provider);
  const [isLocal, setLocal] = useState(provider.is_local);
  const isStale = isProblem(change.error, "http.stale");
  const decimal = (value: number | undefined) =>
    value === undefined ? "" : new Intl.NumberFormat(locale.tag, { useGrouping: false }).format(value);
  const seconds = (text: string) => Number(text.trim().replace(",", "."));
  const isSeconds = (text: string) => !text.trim() || (seconds(text) > 0 && seconds(text) <= 86_400);
  const { form, field, values } = useForm({
    initial: {
      label: opened.label,
      address: opened.base_url,
      concurrency: String(opened.concurrency),
      connect: decimal(opened.timeouts.connect),
      first_byte: decimal(opened.timeouts.first_byte),
      idle: decimal(opened.timeouts.idle),
      total: decimal(opened.timeouts.total),
    },
    problem: isStale ? null : change.error,
    serverNames: { address: "base_url" },
    check: (typed) => ({
      address: addressShape.test(typed.address.trim()) ? undefined : t("addressMissing"),
      concurrency:
        /^\d{1,4}$/.test(typed.concurrency) && Number(typed.concurrency) >= 1 && Number(typed.concurrency) <= 1000
          ? undefined
          : t("concurrencyWrong"),
      ...Object.fromEntries(phases.map((phase) => [phase, isSeconds(typed[phase]) ? undefined : t("timeoutWrong")])),
    }),
    onSubmit: (typed) => {
      const timeouts = Object.fromEntries(
        phases.filter((phase) => typed[phase].trim()).map((phase) => [phase, seconds(typed[phase])]),
      );
      change.mutate(
        {
          id: opened.id,
          // After a conflict the second try is meant: it is based on what is shown now.
          version: isStale ? provider.version : opened.version,
          label: typed.label.trim() || undefined,
          ...(typed.address.trim() === opened.base_url ? {} : { base_url: typed.address.trim() }),
          concurrency: Number(typed.concurrency),
          is_local: isLocal,
          timeouts: { ...(opened.timeouts.queue ? { queue: opened.timeouts.queue } : {}), ...timeouts },
        },
        {
          onSuccess: (changed) => {
            toast({ text: t("changed", { name: changed.label }) });
            onClose();
          },
        },
      );
    },
  });
  const [label, address, concurrency] = [field("label"), field("address"), field("concurrency")];
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("editTitle", { name: opened.label })}
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="edit-provider" variant="primary" busy={change.isPending}>
            {t("save")}
          </Button>
        </>
      }
    >
      <form {...form} id="edit-provider" className="flex flex-col gap-4">
        {isStale ? (
          <Notice tone="brass">{a("staleHere")}</Notice>
        ) : (
          <FormProblem error={change.error} fields={["label", "base_url", "concurrency"]} />
        )}
        <Field label={t("label")} error={label.error}>
          <Input {...label.control} autoComplete="off" />
        </Field>
        <Field label={t("addressField")} error={address.error}>
          <Input {...address.control} type="url" autoComplete="off" spellCheck={false} />
        </Field>
        {values.address.trim() !== opened.base_url && opened.keys.length > 0 ? (
          <Notice tone="brass">{t("addressWarning")}</Notice>
        ) : null}
        <Checkbox label={t("isLocal")} help={t("isLocalHelp")} checked={isLocal} onChange={setLocal} />
        <Field label={t("concurrencyField")} help={t("concurrencyHelp")} error={concurrency.error}>
          <Input {...concurrency.control} inputMode="numeric" autoComplete="off" className="num !w-32" />
        </Field>
        <FieldGroup legend={t("timeouts")} help={t("timeoutsHelp")}>
          <div className="grid grid-cols-2 gap-4 sm:grid-cols-4">
            {phases.map((phase) => {
              const of = field(phase);
              return (
                <Field key={phase} label={t(`timeout.${phase}`)} error={of.error}>
                  <Input {...of.control} inputMode="decimal" autoComplete="off" className="num" />
                </Field>
              );
            })}
          </div>
        </FieldGroup>
      </form>
    </Dialog>
  );
}

export function KeyDialog({ provider, onClose }: { provider: Provider; onClose: () => void }) {
  const t = useTexts(providersTexts);
  const add = useAddKey();
  const remove = useDeleteKey();
  // A refused key is of no use beside the new one.
  const refused = provider.keys.filter(({ state }) => state === "refused");
  const { form, field } = useForm({
    initial: { key: "" },
    problem: add.error,
    check: ({ key }) => ({ key: key.trim() ? undefined : t("keyMissing") }),
    onSubmit: ({ key }) =>
      add.mutate(
        { id: provider.id, key: key.trim() },
        {
          onSuccess: (made) => {
            if (made.state !== "refused") {
              for (const { id } of refused) remove.mutate({ id: provider.id, key: id });
            }
            toast({ text: t("keyAdded", { ending: made.ending }) });
            onClose();
          },
        },
      ),
  });
  const key = field("key");
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("keyTitle", { name: provider.label })}
      description={t("keyText")}
      width="sm"
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="provider-key" variant="primary" busy={add.isPending}>
            {t("store")}
          </Button>
        </>
      }
    >
      <form {...form} id="provider-key" className="flex flex-col gap-4">
        <FormProblem error={add.error} fields={["key"]} />
        <Field label={t("keyField")} help={t("keyHelp")} error={key.error}>
          <PasswordInput {...key.control} autoComplete="off" />
        </Field>
      </form>
    </Dialog>
  );
}

export function RemoveKeyDialog({
  provider,
  providerKey,
  onClose,
}: {
  provider: Provider;
  providerKey: ProviderKey;
  onClose: () => void;
}) {
  const t = useTexts(providersTexts);
  const remove = useDeleteKey();
  const { ending } = providerKey;
  return (
    <AlertDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("removeKeyTitle")}
      description={t("removeKeyText", { ending })}
      action={t("remove")}
      busy={remove.isPending}
      onConfirm={() =>
        remove.mutate(
          { id: provider.id, key: providerKey.id },
          {
            onSuccess: () => {
              toast({ text: t("keyRemoved", { ending }) });
              onClose();
            },
          },
        )
      }
    >
      <FormProblem error={remove.error} />
    </AlertDialog>
  );
}

export function DeleteDialog({ provider, onClose }: { provider: Provider; onClose: () => void }) {
  const t = useTexts(providersTexts);
  const remove = useDeleteProvider();
  const name = provider.label;
  return (
    <AlertDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("deleteTitle", { name })}
      description={t("deleteText")}
      action={t("delete")}
      typeName={name}
      busy={remove.isPending}
      onConfirm={() =>
        remove.mutate(provider.id, {
          onSuccess: () => {
            toast({ text: t("deleted", { name }) });
            onClose();
          },
        })
      }
    >
      <FormProblem error={remove.error} />
    </AlertDialog>
  );
}
