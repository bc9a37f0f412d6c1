import { Plus } from "lucide-react";
import type { ReactNode } from "react";
import { useTexts } from "@/shared/i18n/texts";
import { mayEdit, type Project } from "@/shared/projects/api";
import { ProjectScreen } from "@/shared/projects/ProjectScreen";
import { Button } from "@/shared/ui/button";
import { Menu } from "@/shared/ui/menu";
import { EmptyState } from "@/shared/ui/states";
import { DocumentList } from "./DocumentList";
import { documentTexts } from "./texts";
import { UploadPanel } from "./UploadPanel";
import { useIntake } from "./use-intake";

/** `/p/$id/documents` */
export default function ProjectDocumentsScreen() {
  return (
    <ProjectScreen actions={(project) => <Add project={project} />}>
      {(project) => <Documents project={project} />}
    </ProjectScreen>
  );
}

const mayAdd = (project: Project) => mayEdit(project) && !project.trashed_at;

function Add({ project }: { project: Project }): ReactNode {
  const t = useTexts(documentTexts);
  const { entries, parts } = useIntake(project, mayAdd(project));
  return (
    <>
      {mayAdd(project) ? (
        <Menu
          trigger={
            <Button variant="primary" icon={Plus}>
              {t("add")}
            </Button>
          }
          entries={entries}
        />
      ) : null}
      {parts}
    </>
  );
}

function Documents({ project }: { project: Project }) {
  const t = useTexts(documentTexts);
  const empty = mayAdd(project) ? (
    <EmptyState
      title={t("emptyTitle")}
      action={
        <Button
          variant="outline"
          onClick={() => document.querySelector<HTMLInputElement>('[data-intake="files"]')?.click()}
        >
          {t("addFiles")}
        </Button>
      }
    >
      {t("emptyText")}
    </EmptyState>
  ) : (
    <EmptyState title={t("emptyViewer")}>{t("emptyViewerText")}</EmptyState>
  );
  return (
    <>
      <UploadPanel projectId={project.id} />
      <DocumentList project={project} empty={empty} />
    </>
  );
}
