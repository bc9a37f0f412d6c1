import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, read } from "../api/client";
import { useTexts } from "../i18n/texts";
import { Button } from "../ui/button";
import { Checkbox, RadioGroup } from "../ui/choice";
import { Combobox } from "../ui/combobox";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/field";
import { FormProblem } from "../ui/form-problem";
import { Icon } from "../ui/icons";
import { Input } from "../ui/input";
import { toast } from "../ui/toast";
import { useForm } from "../ui/use-form";
import {
  asFolder,
  type Colour,
  deeds,
  type Folder,
  foldersQuery,
  type Kind,
  kinds,
  mayEdit,
  type Project,
  parentOf,
  type Thing,
  useDeed,
} from "./api";
import { pathTo, within } from "./folders";
import { kindIcons } from "./kinds";
import { ColourField } from "./marks";
import { thingTexts } from "./texts";

const TOP = "";

function useNameCheck() {
  const t = useTexts(thingTexts);
  return ({ name }: { name: string }) => ({
    name: !name.trim() ? t("nameMissing") : name.trim().length > 200 ? t("nameLong") : undefined,
  });
}

/** Where something may stand: at the top, or in a folder, named by the way to it. */
function PlaceField({
  label,
  folders,
  value,
  onChange,
  withTop = true,
}: {
  label: string;
  folders: readonly Folder[];
  value: string | null;
  onChange: (folder: string | null) => void;
  withTop?: boolean;
}) {
  const t = useTexts(thingTexts);
  const { data: all = [] } = useQuery(foldersQuery);
  const options = folders
    .map(({ id }) => ({
      value: id,
      label: pathTo(id, all)
        .map(({ name }) => name)
        .join(" / "),
    }))
    .toSorted((a, b) => a.label.localeCompare(b.label));
  return (
    <Field label={label}>
      <Combobox
        options={withTop ? [{ value: TOP, label: t("ownPlaces") }, ...options] : options}
        value={value ?? TOP}
        onChange={(id) => onChange(id || null)}
      />
    </Field>
  );
}

export function CreateProjectDialog({
  folder,
  first = "chat",
  onClose,
  onMade,
}: {
  folder: string | null;
  first?: Kind;
  onClose: () => void;
  onMade: (project: Project) => void;
}) {
  const t = useTexts(thingTexts);
  const { data: folders = [] } = useQuery(foldersQuery);
  const [kind, setKind] = useState(first);
  const [colour, setColour] = useState<Colour | null>(null);
  const [place, setPlace] = useState(folder);
  const create = useDeed(
    (name: string) =>
      read(
        api.POST("/api/v1/projects", {
          body: { name, kind, colour, folder_id: place, description: "", instructions: "" },
        }),
      ),
    { shown: true },
  );
  const { form, field } = useForm({
    initial: { name: "" },
    check: useNameCheck(),
    problem: create.error,
    onSubmit: ({ name }) =>
      create.mutate(name.trim(), {
        onSuccess: (project) => {
          onClose();
          onMade(project);
        },
      }),
  });
  const name = field("name");
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("newProject")}
      width="lg"
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="create-project" variant="primary" busy={create.isPending}>
            {t("create")}
          </Button>
        </>
      }
    >
      <form {...form} id="create-project" className="flex flex-col gap-5">
        <FormProblem error={create.error} fields={["name"]} />
        <Field label={t("name")} error={name.error}>
          <Input {...name.control} autoComplete="off" />
        </Field>
        <div>
          <div className="font-medium">{t("kind")}</div>
          <p className="mb-2.5 text-xs text-muted-foreground">{t("kindStays")}</p>
          <RadioGroup
            label={t("kind")}
            value={kind}
            onChange={setKind}
            className="grid !gap-x-6 !gap-y-3 sm:grid-cols-2"
            options={kinds.map((value) => ({
              value,
              label: (
                <span className="inline-flex items-center gap-2 font-medium">
                  <Icon icon={kindIcons[value]} size={15} className="text-faint" />
                  {t(`kind.${value}`)}
                </span>
              ),
              help: t(`about.${value}`),
            }))}
          />
        </div>
        <div className="grid gap-5 sm:grid-cols-[minmax(0,1fr)_auto]">
          <PlaceField label={t("place")} folders={folders.filter(mayEdit)} value={place} onChange={setPlace} />
          <ColourField value={colour} onChange={setColour} />
        </div>
      </form>
    </Dialog>
  );
}

/** A new folder, or the name and colour of a folder or project that is there. */
export function NameDialog({
  thing,
  folder = null,
  onClose,
  onMade,
}: {
  thing?: Thing;
  folder?: string | null;
  onClose: () => void;
  onMade?: (folder: Folder) => void;
}) {
  const t = useTexts(thingTexts);
  const { data: folders = [] } = useQuery(foldersQuery);
  const [colour, setColour] = useState<Colour | null>(thing?.colour ?? null);
  const [place, setPlace] = useState(folder);
  const save = useDeed(
    async (name: string) => {
      if (!thing)
        return read(api.POST("/api/v1/folders", { body: { name, colour, parent_id: place, description: "" } }));
      await deeds.change(thing, { name, colour });
      return null;
    },
    { shown: true },
  );
  const { form, field } = useForm({
    initial: { name: thing?.name ?? "" },
    check: useNameCheck(),
    problem: save.error,
    onSubmit: ({ name }) =>
      save.mutate(name.trim(), {
        onSuccess: (made) => {
          onClose();
          if (made) onMade?.(made);
          else if (thing && thing.name !== name.trim()) toast({ text: t("renamed", { name: name.trim() }) });
        },
      }),
  });
  const name = field("name");
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={thing ? t("renameNamed", { name: thing.name }) : t("newFolder")}
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="name-thing" variant="primary" busy={save.isPending}>
            {thing ? t("save") : t("create")}
          </Button>
        </>
      }
    >
      <form {...form} id="name-thing" className="flex flex-col gap-5">
        <FormProblem error={save.error} fields={["name"]} />
        <Field label={t("name")} error={name.error}>
          <Input {...name.control} autoComplete="off" />
        </Field>
        {thing ? null : (
          <PlaceField label={t("place")} folders={folders.filter(mayEdit)} value={place} onChange={setPlace} />
        )}
        <ColourField value={colour} onChange={setColour} />
      </form>
    </Dialog>
  );
}

/** What dragging does in the tree, for the keyboard, for touch and for trees too long to drag through. */
export function MoveDialog({ thing, onClose }: { thing: Thing; onClose: () => void }) {
  const t = useTexts(thingTexts);
  const { data: folders = [] } = useQuery(foldersQuery);
  const before = parentOf(thing);
  const [place, setPlace] = useState<string | null>(before);
  const move = useDeed((parent: string | null) => deeds.move(thing, { parent }), { shown: true });
  const below = thing.sort === "folder" ? within(thing.id, folders) : new Set<string>();
  // A tree belongs to one person, and nothing moves from one person's to another's.
  const goals = folders.filter((folder) => folder.role === thing.role && mayEdit(folder) && !below.has(folder.id));
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("moveTitle", { name: thing.name })}
      description={t("moveLead")}
      onSubmit={() =>
        move.mutate(place, {
          onSuccess: () => {
            const goal = folders.find(({ id }) => id === place);
            const text = goal
              ? t("moved", { name: thing.name, place: goal.name })
              : t("movedTop", { name: thing.name });
            toast({ text, undo: () => move.mutateAsync(before) });
            onClose();
          },
        })
      }
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" variant="primary" busy={move.isPending} disabled={place === before}>
            {t("move")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <FormProblem error={move.error} />
        <PlaceField
          label={t("place")}
          folders={goals}
          value={place}
          onChange={setPlace}
          withTop={thing.role === "owner"}
        />
      </div>
    </Dialog>
  );
}

export function DuplicateDialog({
  thing,
  onClose,
  onMade,
}: {
  thing: Thing;
  onClose: () => void;
  onMade: (made: Thing) => void;
}) {
  const t = useTexts(thingTexts);
  const [withDocuments, setDocuments] = useState(true);
  const copy = useDeed(
    (name: string) => deeds.duplicate(thing, { name, include: withDocuments ? ["documents"] : [] }),
    { shown: true },
  );
  const { form, field } = useForm({
    initial: { name: t("copyOf", { name: thing.name }).slice(0, 200) },
    check: useNameCheck(),
    problem: copy.error,
    onSubmit: ({ name }) =>
      copy.mutate(name.trim(), {
        onSuccess: (made) => {
          toast({ text: t("duplicated", { name: made.name }) });
          onClose();
          onMade("kind" in made ? { sort: "project", ...made } : asFolder(made));
        },
      }),
  });
  const name = field("name");
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("duplicateTitle", { name: thing.name })}
      description={t(thing.sort === "project" ? "duplicateProjectLead" : "duplicateFolderLead")}
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="duplicate" variant="primary" busy={copy.isPending}>
            {t("duplicateDo")}
          </Button>
        </>
      }
    >
      <form {...form} id="duplicate" className="flex flex-col gap-5">
        <FormProblem error={copy.error} fields={["name"]} />
        <Field label={t("name")} error={name.error}>
          <Input {...name.control} autoComplete="off" />
        </Field>
        <Checkbox
          label={t("duplicateDocuments")}
          help={t("duplicateDocumentsHelp")}
          checked={withDocuments}
          onChange={setDocuments}
        />
      </form>
    </Dialog>
  );
}
