import { type ReactNode, useState } from "react";
import { formatNumber } from "../i18n/format";
import { useLocale } from "../i18n/locale";
import { useTexts } from "../i18n/texts";
import { useMe } from "../session/queries";
import { Icon } from "../ui/icons";
import type { Catalogue, Section } from "./catalogue";
import { Link } from "./link";
import type { TabState } from "./sheet";
import { SidebarCaption, SidebarHead, SidebarNav, SidebarRow, SidebarSearch } from "./sidebar";
import { frameTexts } from "./texts";

/** What a row says besides its name. */
interface RowMark {
  readonly count?: number;
  readonly state?: TabState | null;
}

/** The sections of an area, and what a search finds in them. */
export function CatalogueSidebar<Id extends string>({
  title,
  catalogue,
  marks = {},
  foot,
}: {
  title: string;
  catalogue: Catalogue<Id>;
  marks?: Partial<Record<Id, RowMark>>;
  foot?: ReactNode;
}) {
  const t = useTexts(frameTexts);
  const { language } = useLocale();
  const me = useMe();
  const [query, setQuery] = useState("");
  const isSearching = query.trim() !== "";
  const found = catalogue.find(query, me);
  const count = found.sections.length + found.hits.length;
  const sections = isSearching ? found.sections : catalogue.sectionsFor(me);
  const hasCaption = (section: Section<Id>, index: number) =>
    !isSearching && section.caption && section.caption !== sections[index - 1]?.caption;
  return (
    <>
      <SidebarHead title={title} />
      <SidebarSearch label={t("searchSettings")} value={query} onChange={setQuery} />
      <SidebarNav label={title}>
        {sections.map((section, index) => {
          const mark: RowMark = marks[section.id] ?? {};
          return (
            <div key={section.id}>
              {hasCaption(section, index) ? <SidebarCaption>{section.caption?.[language]}</SidebarCaption> : null}
              <SidebarRow
                to={catalogue.address(section)}
                icon={section.icon}
                count={mark.count === undefined ? undefined : formatNumber(mark.count)}
                state={mark.state}
              >
                {section.title[language]}
              </SidebarRow>
            </div>
          );
        })}
        {found.hits.map(({ section, setting }) => (
          <Link
            key={`${section.id} ${setting.id}`}
            to={catalogue.address(section)}
            hash={setting.id}
            className="flex min-h-11 items-center gap-2 rounded-sm px-2 py-1 hover:bg-hover focus-visible:-outline-offset-2"
          >
            <Icon icon={section.icon} size={15} className="text-faint" />
            <span className="min-w-0 grow">
              <span className="block truncate">{setting.title[language]}</span>
              <span className="block truncate text-2xs text-faint">{section.title[language]}</span>
            </span>
          </Link>
        ))}
        {isSearching ? (
          <p role="status" className={count === 0 ? "px-2 py-1.5 text-muted-foreground" : "sr-only"}>
            {t("foundSettings", { count, query })}
          </p>
        ) : null}
      </SidebarNav>
      {foot}
    </>
  );
}
