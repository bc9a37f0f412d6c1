import { DefaultModelGroup } from "./DefaultModelGroup";
import { ModelKeysSection } from "./ModelKeysSection";

export function ModelsSection() {
  return (
    <>
      <DefaultModelGroup />
      <ModelKeysSection />
    </>
  );
}
