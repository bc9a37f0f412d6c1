import { useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { Checkbox } from "@/shared/ui/choice";
import { Dialog } from "@/shared/ui/dialog";
import { Field, FieldGroup } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input, Textarea } from "@/shared/ui/input";
import { Notice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { roleText } from "../parts";
import { adminTexts } from "../texts";
import { type Role, roles } from "../users/api";
import { type AdminModel, useChangeModel } from "./api";
import { adminModelsTexts } from "./texts";

const isTokens = (text: string) => /^\d{0,10}$/.test(text.trim());
/** Empty takes an edit back. */
const orNull = (text: string) => text.trim() || null;

export function EditModelDialog({ model, onClose }: { model: AdminModel; onClose: () => void }) {
  const t = useTexts(adminModelsTexts);
  const a = useTexts(adminTexts);
  const change = useChangeModel();
  const [opened] = useState(model);
  const [chosen, setChosen] = useState<readonly Role[]>(roles.filter((role) => model.enabled_roles.includes(role)));
  const isStale = isProblem(change.error, "http.stale");
  const initial = {
    label: opened.label,
    description: opened.description ?? "",
    context_total: opened.context_total?.toString() ?? "",
    max_output: opened.max_output?.toString() ?? "",
  };
  const { form, field } = useForm({
    initial,
    problem: isStale ? null : change.error,
    check: ({ context_total, max_output }) => ({
      context_total: isTokens(context_total) ? undefined : t("numberWrong"),
      max_output: isTokens(max_output) ? undefined : t("numberWrong"),
    }),
    onSubmit: (typed) => {
      const tokens = (text: string) => (text.trim() ? Number(text) : null);
      change.mutate(
        {
          id: opened.id,
          version: isStale ? model.version : opened.version,
          ...(typed.label !== initial.label ? { label: orNull(typed.label) } : {}),
          ...(typed.description !== initial.description ? { description: orNull(typed.description) } : {}),
          ...(typed.context_total !== initial.context_total ? { context_total: tokens(typed.context_total) } : {}),
          ...(typed.max_output !== initial.max_output ? { max_output: tokens(typed.max_output) } : {}),
          enabled_roles: [...chosen],
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
  const [label, description, context, longest] = [
    field("label"),
    field("description"),
    field("context_total"),
    field("max_output"),
  ];
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("editTitle", { name: opened.label })}
      description={t("takeBack")}
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="edit-model" variant="primary" busy={change.isPending}>
            {t("save")}
          </Button>
        </>
      }
    >
      <form {...form} id="edit-model" className="flex flex-col gap-4">
        {isStale ? (
          <Notice tone="brass">{a("staleHere")}</Notice>
        ) : (
          <FormProblem error={change.error} fields={["label", "description", "context_total", "max_output"]} />
        )}
        <Field label={t("name")} help={t("nameHelp")} error={label.error}>
          <Input {...label.control} autoComplete="off" />
        </Field>
        <Field label={t("description")} optional help={t("descriptionHelp")} error={description.error}>
          <Textarea {...description.control} rows={2} />
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={t("context")} optional error={context.error}>
            <Input {...context.control} inputMode="numeric" autoComplete="off" className="num" />
          </Field>
          <Field label={t("longest")} optional error={longest.error}>
            <Input {...longest.control} inputMode="numeric" autoComplete="off" className="num" />
          </Field>
        </div>
        <FieldGroup legend={t("roles")}>
          <div className="flex flex-wrap gap-x-6 gap-y-2">
            {roles.map((role) => (
              <Checkbox
                key={role}
                label={roleText(a, role)}
                checked={chosen.includes(role)}
                onChange={(isOn) => setChosen(roles.filter((each) => (each === role ? isOn : chosen.includes(each))))}
              />
            ))}
          </div>
        </FieldGroup>
      </form>
    </Dialog>
  );
}
