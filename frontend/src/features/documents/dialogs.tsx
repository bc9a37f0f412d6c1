import { useQuery } from "@tanstack/react-query";
import { Link2, NotebookPen, PencilLine, TagIcon, X } from "lucide-react";
import { useState } from "react";
import { formatNumber } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { Button } from "@/shared/ui/button";
import { Checkbox } from "@/shared/ui/choice";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { FormProblem } from "@/shared/ui/form-problem";
import { Icon } from "@/shared/ui/icons";
import { Input, Textarea } from "@/shared/ui/input";
import { ProblemNotice } from "@/shared/ui/states";
import { toast } from "@/shared/ui/toast";
import { useForm } from "@/shared/ui/use-form";
import { countsQuery, type DocumentRead, deeds, each, useDeed } from "./api";
import { readAddresses } from "./intake";
import { documentTexts } from "./texts";

/** Main text, title, author and date of pages, one address in each line. */
export function LinkDialog({
  projectId,
  initial,
  onClose,
}: {
  projectId: string;
  initial: string;
  onClose: () => void;
}) {
  const t = useTexts(documentTexts);
  const [text, setText] = useState(initial);
  const [isTried, setTried] = useState(false);
  const { addresses, wrong } = readAddresses(text);
  const error =
    wrong !== null ? t("linkWrong", { line: wrong }) : addresses.length === 0 ? t("linkMissing") : undefined;
  const add = useDeed(
    async () => {
      await each(addresses, (url) => deeds.fromUrl({ project_id: projectId, url, tags: [], allow_duplicate: false }));
    },
    { shown: true },
  );
  const submit = () => {
    setTried(true);
    if (error) return;
    add.mutate(undefined, {
      onSuccess: () => {
        toast({ text: t("linkDone", { count: addresses.length }), icon: Link2 });
        onClose();
      },
    });
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t("linkTitle")}
      description={t("linkLead")}
      onSubmit={submit}
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" variant="primary" busy={add.isPending}>
            {t("linkDo", { count: Math.max(1, addresses.length) })}
          </Button>
        </>
      }
    >
      <Field label={t("linkField")} help={t("linkHelp")} error={isTried ? error : undefined}>
        <Textarea
          value={text}
          onChange={(event) => setText(event.target.value)}
          rows={3}
          spellCheck={false}
          autoCapitalize="none"
          placeholder="https://"
          inputMode="url"
        />
      </Field>
      <ProblemNotice error={add.error} className="mt-3" />
    </Dialog>
  );
}

/** A note, or what was pasted. */
export function TextDialog({
  projectId,
  initial,
  onClose,
}: {
  projectId: string;
  initial: string;
  onClose: () => void;
}) {
  const t = useTexts(documentTexts);
  const [isMarkdown, setMarkdown] = useState(false);
  const add = useDeed(deeds.fromText, { shown: true });
  const { form, field, values } = useForm({
    initial: { name: "", text: initial },
    check: ({ text }) => ({ text: text.trim() ? undefined : t("textMissing") }),
    problem: add.error,
    onSubmit: ({ name, text }) =>
      add.mutate(
        {
          project_id: projectId,
          name: name.trim() || null,
          text,
          format: isMarkdown ? "markdown" : "plain",
          tags: [],
          allow_duplicate: false,
        },
        {
          onSuccess: (made) => {
            toast({ text: t("textDone", { name: made.name }), icon: NotebookPen });
            onClose();
          },
        },
      ),
  });
  const name = field("name");
  const text = field("text");
  return (
    <Dialog
      open
      width="lg"
      onOpenChange={(open) => !open && (values.text === initial || !values.text) && onClose()}
      title={t("textTitle")}
      description={t("textLead")}
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="document-text" variant="primary" busy={add.isPending}>
            {t("textDo")}
          </Button>
        </>
      }
    >
      <form id="document-text" {...form} className="flex flex-col gap-4">
        <Field label={t("textName")} optional help={t("textNameHelp")} error={name.error}>
          <Input {...name.control} autoComplete="off" />
        </Field>
        <Field label={t("textField")} error={text.error}>
          <Textarea {...text.control} rows={10} />
        </Field>
        <Checkbox label={t("textMarkdown")} checked={isMarkdown} onChange={setMarkdown} />
        <FormProblem error={add.error} fields={["name", "text"]} />
      </form>
    </Dialog>
  );
}

export function RenameDialog({ document, onClose }: { document: DocumentRead; onClose: () => void }) {
  const t = useTexts(documentTexts);
  const change = useDeed((name: string) => deeds.change(document, { name }), { shown: true });
  const { form, field } = useForm({
    initial: { name: document.name },
    check: ({ name }) => ({ name: name.trim() ? undefined : t("nameMissing") }),
    problem: change.error,
    onSubmit: ({ name }) =>
      change.mutate(name.trim(), {
        onSuccess: (changed) => {
          toast({
            text: t("renamed", { name: changed.name }),
            icon: PencilLine,
            undo: () => deeds.change(changed, { name: document.name }),
          });
          onClose();
        },
      }),
  });
  const name = field("name");
  return (
    <Dialog
      open
      width="sm"
      onOpenChange={(open) => !open && onClose()}
      title={t("renameTitle")}
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" form="document-name" variant="primary" busy={change.isPending}>
            {t("save")}
          </Button>
        </>
      }
    >
      <form id="document-name" {...form} className="flex flex-col gap-3">
        <Field label={t("nameField")} error={name.error}>
          <Input {...name.control} autoComplete="off" onFocus={(event) => event.target.select()} />
        </Field>
        <FormProblem error={change.error} fields={["name"]} />
      </form>
    </Dialog>
  );
}

const MOST_SUGGESTED = 12;

/** Of one document all tags; to several the same ones are added. */
export function TagsDialog({ documents, onClose }: { documents: readonly DocumentRead[]; onClose: () => void }) {
  const t = useTexts(documentTexts);
  const locale = useLocale();
  const first = documents[0] as DocumentRead;
  const isOne = documents.length === 1;
  const [tags, setTags] = useState<readonly string[]>(isOne ? first.tags : []);
  const [typed, setTyped] = useState("");
  const { data: counts } = useQuery(countsQuery({ project_id: first.project_id }));
  const added = typed
    .split(",")
    .map((tag) => tag.trim())
    .filter(Boolean);
  const wanted = [...new Set([...tags, ...added])];
  const change = useDeed(
    () =>
      each(documents, (document) => {
        const next = isOne ? wanted : [...new Set([...document.tags, ...wanted])];
        return deeds.change(document, { tags: next });
      }),
    { shown: true },
  );
  const about = { count: documents.length, name: first.name };
  const submit = () =>
    change.mutate(undefined, {
      onSuccess: () => {
        toast({ text: t("tagged", about), icon: TagIcon });
        onClose();
      },
    });
  const known = (counts?.tags ?? []).filter(({ value }) => !wanted.includes(value)).slice(0, MOST_SUGGESTED);
  return (
    <Dialog
      open
      width="sm"
      onOpenChange={(open) => !open && onClose()}
      title={t("tagsTitle", about)}
      onSubmit={submit}
      footer={
        <>
          <Button variant="ghost" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" variant="primary" busy={change.isPending}>
            {t("save")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        {tags.length > 0 ? (
          <ul aria-label={t("tags")} className="flex flex-wrap gap-1.5">
            {tags.map((tag) => (
              <li key={tag}>
                <Button
                  variant="soft"
                  size="sm"
                  aria-label={t("tagsRemove", { tag })}
                  onClick={() => setTags(tags.filter((other) => other !== tag))}
                >
                  {tag}
                  <Icon icon={X} size={13} className="text-muted-foreground" />
                </Button>
              </li>
            ))}
          </ul>
        ) : null}
        <Field label={t("tagsField")} help={isOne ? t("tagsHelp") : t("tagsAddHelp")}>
          <Input value={typed} onChange={(event) => setTyped(event.target.value)} autoComplete="off" />
        </Field>
        {known.length > 0 ? (
          <div>
            <p className="cap mb-1.5">{t("tagsKnown")}</p>
            <div className="flex flex-wrap gap-1.5">
              {known.map(({ value, number }) => (
                <Button key={value} variant="outline" size="sm" onClick={() => setTags([...tags, value])}>
                  {value}
                  <span className="num text-xs text-faint">{formatNumber(number, {}, locale)}</span>
                </Button>
              ))}
            </div>
          </div>
        ) : null}
        <ProblemNotice error={change.error} />
      </div>
    </Dialog>
  );
}
