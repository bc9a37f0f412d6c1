import { useAnchor } from "@/shared/frame/use-anchor";
import { useWorkspace } from "@/shared/frame/workspace";
import { formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { asProject, type Colour, deeds, mayEdit, mayOwn, type Project, useDeed } from "@/shared/projects/api";
import { useDeeds } from "@/shared/projects/deeds";
import { ColourField } from "@/shared/projects/marks";
import { ProjectScreen } from "@/shared/projects/ProjectScreen";
import { thingTexts } from "@/shared/projects/texts";
import { Button } from "@/shared/ui/button";
import { Checkbox } from "@/shared/ui/choice";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Input, Textarea } from "@/shared/ui/input";
import { Section } from "@/shared/ui/section";
import { Select } from "@/shared/ui/select";
import { Notice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { type Form, useForm } from "@/shared/ui/use-form";
import { Budgets } from "./Budgets";
import { configOf, isRight, type Setting, settingsOf, type Values, valuesOf } from "./configs";
import { projectsTexts } from "./texts";
import { useChange } from "./use-change";

const MOST_TAGS = 20;

export default function SettingsScreen() {
  const t = useTexts(projectsTexts);
  useAnchor();
  return (
    <ProjectScreen width="form">
      {(project) => (
        <div key={project.id} className="flex flex-col gap-9 pt-5">
          {mayEdit(project) ? null : <Notice>{t("readOnly")}</Notice>}
          {mayEdit(project) ? <General project={project} /> : null}
          {mayEdit(project) ? <Behaviour project={project} /> : null}
          {mayOwn(project) ? <Budgets project={project} /> : null}
          {mayOwn(project) ? <PutAway project={project} /> : null}
        </div>
      )}
    </ProjectScreen>
  );
}

const tagsOf = (text: string) => [
  ...new Set(
    text
      .split(",")
      .map((tag) => tag.trim())
      .filter(Boolean),
  ),
];

function General({ project }: { project: Project }) {
  const t = useTexts(projectsTexts);
  const { save, isStale } = useChange(project);
  const initial = {
    name: project.name,
    description: project.description,
    tags: project.tags.join(", "),
    colour: project.colour ?? "",
  };
  const form = useForm({
    initial,
    draft: `project ${project.id}`,
    problem: save.error,
    check: ({ name, description, tags }) => ({
      name: !name.trim() ? t("nameMissing") : name.trim().length > 200 ? t("nameLong") : undefined,
      description: description.length > 2000 ? t("descriptionLong") : undefined,
      tags: tagsOf(tags).length > MOST_TAGS || tagsOf(tags).some((tag) => tag.length > 40) ? t("tagsWrong") : undefined,
    }),
    onSubmit: ({ name, description, tags, colour }) =>
      save.mutate(
        {
          name: name.trim(),
          description: description.trim(),
          tags: tagsOf(tags),
          colour: (colour || null) as Colour | null,
        },
        {
          onSuccess: (saved) => {
            form.reset({
              name: saved.name,
              description: saved.description,
              tags: saved.tags.join(", "),
              colour: saved.colour ?? "",
            });
            toast({ text: t("settingsSaved") });
          },
        },
      ),
  });
  const [name, description, tags] = [form.field("name"), form.field("description"), form.field("tags")];
  return (
    <Section title={t("general")}>
      <form {...form.form} className="mt-2 flex flex-col gap-5">
        <Field label={t("name")} error={name.error}>
          <Input {...name.control} autoComplete="off" />
        </Field>
        <Field label={t("description")} optional error={description.error}>
          <Textarea {...description.control} rows={2} />
        </Field>
        <Field label={t("tags")} optional help={t("tagsHelp")} error={tags.error}>
          <Input {...tags.control} autoComplete="off" />
        </Field>
        <ColourField
          value={(form.values.colour || null) as Colour | null}
          onChange={(colour) => form.set({ colour: colour ?? "" })}
        />
        <Foot
          form={form}
          initial={initial}
          isBusy={save.isPending}
          error={save.error}
          isStale={isStale}
          fields={["name", "description", "tags"]}
        />
      </form>
    </Section>
  );
}

function Foot<Texts extends Values>({
  form,
  initial,
  isBusy,
  error,
  isStale,
  fields,
}: {
  form: Form<Texts>;
  initial: Texts;
  isBusy: boolean;
  error: unknown;
  isStale: boolean;
  fields: readonly string[];
}) {
  const t = useTexts(projectsTexts);
  return (
    <>
      {isStale ? <Notice tone="brass">{t("stale")}</Notice> : <FormProblem error={error} fields={fields} />}
      <div className="flex gap-2">
        <Button type="submit" busy={isBusy} disabled={!form.isDirty}>
          {t("save")}
        </Button>
        {form.isDirty ? (
          <Button variant="ghost" onClick={() => form.reset(initial)}>
            {t("discard")}
          </Button>
        ) : null}
      </div>
    </>
  );
}

/** What this kind of project can be set to, asked one by one as its shape has it. */
function Behaviour({ project }: { project: Project }) {
  const t = useTexts(projectsTexts);
  const w = useTexts(thingTexts);
  const locale = useLocale();
  const { save, isStale } = useChange(project);
  const settings = settingsOf[project.kind];
  const initial = valuesOf(project.config);
  const form = useForm({
    initial,
    draft: `config ${project.id}`,
    problem: save.error,
    check: (values) =>
      Object.fromEntries(
        settings.map((setting) => {
          if (setting.ask !== "number" || isRight(setting, values[setting.name] ?? ""))
            return [setting.name, undefined];
          const [least, most] = [setting.least, setting.most].map((bound) => formatNumber(bound, {}, locale));
          const bounds = { least: least ?? "", most: most ?? "" };
          return [setting.name, setting.isWhole ? t("wholeNumberWrong", bounds) : t("numberWrong", bounds)];
        }),
      ),
    onSubmit: (values) =>
      save.mutate(
        { config: configOf(project.config, values) },
        {
          onSuccess: (saved) => {
            form.reset(valuesOf(saved.config));
            toast({ text: t("settingsSaved") });
          },
        },
      ),
  });
  return (
    <Section title={t("behaviour")} description={t("behaviourLead", { kind: w(`kind.${project.kind}`) })}>
      <form {...form.form} className="mt-2 flex flex-col gap-5">
        {settings
          .filter(({ name }) => name !== "item" || form.values.unit === "items")
          .map((setting) => (
            <SettingField key={setting.name} setting={setting} form={form} />
          ))}
        <Foot form={form} initial={initial} isBusy={save.isPending} error={save.error} isStale={isStale} fields={[]} />
      </form>
    </Section>
  );
}

type TextKey = keyof (typeof projectsTexts)["en"];
const isText = (key: string): key is TextKey => key in projectsTexts.en;

function SettingField({ setting, form }: { setting: Setting; form: Form<Values> }) {
  const t = useTexts(projectsTexts);
  // Settings come from a table, and so do the names of their texts.
  const say = (key: string) => (isText(key) ? t(key as "save") : undefined);
  const { name } = setting;
  const label = say(`set.${name}`) ?? name;
  const help = say(`set.${name}.help`);
  const { control, error } = form.field(name);
  const value = form.values[name] ?? "";
  switch (setting.ask) {
    case "choice":
      return (
        <Field label={label} help={help}>
          <Select
            className="!w-[26rem] max-w-full"
            value={value}
            onChange={(next) => form.set({ [name]: next })}
            options={setting.values.map((each) => ({
              value: each ?? "",
              label: say(`set.${name}.${each ?? "none"}`) ?? each ?? "",
            }))}
          />
        </Field>
      );
    case "switch":
      return (
        <Checkbox
          label={label}
          help={help}
          checked={value === "true"}
          onChange={(on) => form.set({ [name]: String(on) })}
        />
      );
    case "number":
      return (
        <Field label={label} help={help} error={error} optional={setting.mayBeEmpty} className="max-w-56">
          <Input {...control} inputMode="decimal" autoComplete="off" className="num" />
        </Field>
      );
    case "line":
      return (
        <Field label={label} help={help} error={error} optional={setting.mayBeNull}>
          <Input {...control} autoComplete="off" maxLength={setting.most} />
        </Field>
      );
    case "text":
      return (
        <Field label={label} help={help} error={error} optional>
          <Textarea {...control} rows={2} maxLength={setting.most} />
        </Field>
      );
    case "list":
      return (
        <Field label={label} help={help} error={error} optional>
          <Textarea {...control} rows={3} />
        </Field>
      );
  }
}

function PutAway({ project }: { project: Project }) {
  const t = useTexts(projectsTexts);
  const w = useTexts(thingTexts);
  const workspace = useWorkspace();
  const thing = asProject(project);
  const { throwAway } = useDeeds({ onProject: () => {}, onGone: () => workspace.open("/p") });
  const archive = useDeed((on: boolean) => deeds.change(thing, { archived: on }));
  const isArchived = project.archived_at !== null;
  return (
    <Section title={t("putAway")}>
      <ul className="border-t border-border-soft">
        <li className="flex flex-wrap items-center gap-x-5 gap-y-2 border-b border-border-soft py-3">
          <span className="min-w-0 grow basis-64">{t("archiveText")}</span>
          <Button
            busy={archive.isPending}
            onClick={() =>
              archive.mutate(!isArchived, {
                onSuccess: () => toast({ text: w(isArchived ? "unarchived" : "archived", { name: project.name }) }),
              })
            }
          >
            {isArchived ? t("unarchiveDo") : t("archiveDo")}
          </Button>
        </li>
        <li className="flex flex-wrap items-center gap-x-5 gap-y-2 border-b border-border-soft py-3">
          <span className="min-w-0 grow basis-64">{t("trashText")}</span>
          <Button variant="danger" onClick={() => throwAway(thing)}>
            {t("trashDo")}
          </Button>
        </li>
      </ul>
    </Section>
  );
}
