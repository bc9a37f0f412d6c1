import { useWorkspace } from "@/shared/frame/workspace";
import { asProject } from "@/shared/projects/api";
import { Members } from "@/shared/projects/Members";
import { ProjectScreen } from "@/shared/projects/ProjectScreen";

export default function MembersScreen() {
  const workspace = useWorkspace();
  return (
    <ProjectScreen width="form">
      {(project) => (
        <div className="mt-5">
          <Members thing={asProject(project)} onLeft={() => workspace.open("/p")} />
        </div>
      )}
    </ProjectScreen>
  );
}
