import { useQuery } from "@tanstack/react-query";
import { formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { modelsQuery } from "@/shared/models/api";
import { ModelChoice } from "@/shared/models/ModelChoice";
import { mayEdit, type Project } from "@/shared/projects/api";
import { ProjectScreen } from "@/shared/projects/ProjectScreen";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Textarea } from "@/shared/ui/input";
import { Section } from "@/shared/ui/section";
import { ErrorState, LoadingBars, Notice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { projectsTexts } from "./texts";
import { useChange } from "./use-change";

/** Of text in the languages people write here; an estimate, and said as one. */
const CHARACTERS_PER_TOKEN = 4;

export default function InstructionsScreen() {
  return (
    <ProjectScreen width="form">
      {(project) =>
        mayEdit(project) ? (
          <div key={project.id}>
            <Instructions project={project} />
            <DefaultModel project={project} />
          </div>
        ) : (
          <Read project={project} />
        )
      }
    </ProjectScreen>
  );
}

function Read({ project }: { project: Project }) {
  const t = useTexts(projectsTexts);
  return (
    <Section title={t("instructionsTitle")} description={t("instructionsLead")} className="mt-5">
      <p className="reading whitespace-pre-wrap border-t border-border-soft py-4 text-base">
        {project.instructions || t("instructionsEmpty")}
      </p>
    </Section>
  );
}

function Instructions({ project }: { project: Project }) {
  const t = useTexts(projectsTexts);
  const locale = useLocale();
  const { save, isStale } = useChange(project);
  const { form, field, values, isDirty, reset } = useForm({
    initial: { instructions: project.instructions },
    draft: `instructions ${project.id}`,
    problem: save.error,
    onSubmit: ({ instructions }) =>
      save.mutate(
        { instructions },
        {
          onSuccess: (saved) => {
            reset({ instructions: saved.instructions });
            toast({ text: t("instructionsSaved") });
          },
        },
      ),
  });
  const { control, error } = field("instructions");
  const length = values.instructions.length;
  return (
    <Section title={t("instructionsTitle")} description={t("instructionsLead")} className="mt-5">
      <form {...form} className="mt-3 flex flex-col gap-3">
        <Field
          label={t("instructionsTitle")}
          hideLabel
          error={error}
          help={
            length > 0 ? (
              <span className="num">
                {t("instructionsLength", {
                  count: length,
                  tokens: formatNumber(Math.ceil(length / CHARACTERS_PER_TOKEN), {}, locale),
                })}
              </span>
            ) : undefined
          }
        >
          <Textarea
            {...control}
            rows={9}
            placeholder={t("instructionsPlaceholder")}
            className="!max-h-[32rem] min-h-52 !text-base placeholder:text-faint"
          />
        </Field>
        {isStale ? (
          <Notice tone="brass">{t("stale")}</Notice>
        ) : (
          <FormProblem error={save.error} fields={["instructions"]} />
        )}
        <div className="flex gap-2">
          <Button type="submit" busy={save.isPending} disabled={!isDirty}>
            {t("save")}
          </Button>
          {isDirty ? (
            <Button variant="ghost" onClick={() => reset({ instructions: project.instructions })}>
              {t("discard")}
            </Button>
          ) : null}
        </div>
      </form>
    </Section>
  );
}

/** Chosen as everywhere else; saved at once, because it is one choice. */
function DefaultModel({ project }: { project: Project }) {
  const t = useTexts(projectsTexts);
  const list = useQuery(modelsQuery);
  const { save } = useChange(project);
  const items = list.data?.items ?? [];
  const chosen = items.find(({ id, name }) => id === project.default_model || name === project.default_model);
  const choose = (default_model: string | null, name: string) => {
    const before = project.default_model;
    save.mutate(
      { default_model },
      {
        onSuccess: () =>
          toast({ text: t("modelSaved", { name }), undo: () => save.mutateAsync({ default_model: before }) }),
      },
    );
  };
  return (
    <Section title={t("defaultModel")} description={t("defaultModelLead")} className="mt-8">
      {list.isPending ? <LoadingBars rows={1} /> : null}
      {list.isError && !list.data ? <ErrorState error={list.error} onRetry={() => void list.refetch()} /> : null}
      {list.data ? (
        <>
          {project.default_model && !chosen ? (
            <Notice tone="brass" className="mb-3">
              {t("modelGone")}
            </Notice>
          ) : null}
          <div className="mt-2 flex flex-wrap items-center gap-3">
            <ModelChoice
              models={items}
              value={chosen?.id ?? null}
              preferred={list.data.preferred}
              onChoose={(model) => choose(model.id, model.label)}
            />
            {project.default_model ? (
              <Button variant="ghost" busy={save.isPending} onClick={() => choose(null, t("asUsual"))}>
                {t("asUsual")}
              </Button>
            ) : (
              <span className="text-muted-foreground">{t("asUsual")}</span>
            )}
          </div>
          <FormProblem error={save.error} className="mt-3" />
        </>
      ) : null}
    </Section>
  );
}
