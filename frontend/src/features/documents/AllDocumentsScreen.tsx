import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { useTexts } from "@/shared/i18n/texts";
import { buttonClass } from "@/shared/ui/button";
import { EmptyState } from "@/shared/ui/states";
import { projectNamesQuery } from "./api";
import { DocumentList } from "./DocumentList";
import { documentTexts } from "./texts";

/** `/documents`: everything that one may read, wherever it stands. */
export default function AllDocumentsScreen() {
  const t = useTexts(documentTexts);
  const { data } = useQuery(projectNamesQuery);
  const names = useMemo(() => data ?? new Map<string, string>(), [data]);
  return (
    <Screen title={t("allDocuments")}>
      <DocumentList
        projects={names}
        empty={
          <EmptyState
            title={t("emptyAll")}
            action={
              <Link to="/p" className={buttonClass()}>
                {t("toProjects")}
              </Link>
            }
          >
            {t("emptyAllText")}
          </EmptyState>
        }
      />
    </Screen>
  );
}
