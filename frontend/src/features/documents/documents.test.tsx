import { act, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import type { Schemas } from "@/shared/api/client";
import { viewerActions } from "@/shared/documents/actions";
import { hearOfDocument } from "@/shared/documents/news";
import { WorkspaceContext } from "@/shared/frame/workspace";
import { defineActions } from "@/shared/keys/registry";
import { type Network, problem, type Seen } from "@/shared/test/network";
import { expectAccessible, renderScreen } from "@/shared/test/render";
import AllDocumentsScreen from "./AllDocumentsScreen";
import type { DocumentRead } from "./api";
import DocumentScreen from "./DocumentScreen";
import type { PassageHit } from "./find";
import ProjectDocumentsScreen from "./ProjectDocumentsScreen";
import SearchScreen from "./SearchScreen";

defineActions(viewerActions);

const PROJECT = "10000000-0000-4000-8000-000000000001";
const TEXT = "30000000-0000-4000-8000-000000000001";
let made = 0;

function makeDocument(change: Partial<DocumentRead> = {}): DocumentRead {
  made += 1;
  return {
    id: `20000000-0000-4000-8000-${String(made).padStart(12, "0")}`,
    project_id: PROJECT,
    role: "owner",
    name: `Document ${made}.pdf`,
    origin: "upload",
    url: null,
    kind: "pdf",
    media_type: "application/pdf",
    bytes: 83_000,
    sha256: "ab".repeat(32),
    state: "ready",
    problem: null,
    notices: [],
    progress: null,
    title: "",
    author: "",
    dated: "",
    language: "en",
    pages: 86,
    characters: 1000,
    text_id: TEXT,
    tags: [],
    created_at: "2026-11-20T08:00:00Z",
    changed_at: "2026-11-20T08:00:00Z",
    trashed_at: null,
    version: 1,
    ...change,
  };
}

const page = (items: readonly unknown[], next_cursor: string | null = null) => ({ items, next_cursor, total: null });
const countsOf = (items: readonly DocumentRead[]): Schemas["DocumentCounts"] => {
  const count = (values: readonly string[]) =>
    [...new Set(values)].map((value) => ({ value, number: values.filter((other) => other === value).length }));
  return {
    total: items.length,
    bytes: items.reduce((sum, { bytes }) => sum + bytes, 0),
    states: count(items.map(({ state }) => state)),
    kinds: count(items.flatMap(({ kind }) => kind ?? [])),
    tags: count(items.flatMap(({ tags }) => tags)),
  };
};

const workspace = {
  features: [],
  areas: [],
  open: vi.fn(),
  openTabs: [],
  closedTabs: [],
  reopen: () => {},
  unfolded: [],
  unfold: () => {},
  signOut: () => {},
};
const inWorkspace = (ui: React.ReactNode) => <WorkspaceContext value={workspace}>{ui}</WorkspaceContext>;

const base = (items: readonly DocumentRead[]): Network => ({
  "GET /api/v1/documents": page(items),
  "GET /api/v1/documents/counts": countsOf(items),
  "GET /api/v1/projects": page([{ id: PROJECT, name: "Harbour line" }]),
});

describe("the list of documents", () => {
  const broken = makeDocument({
    name: "Broken.pdf",
    state: "failed",
    text_id: null,
    problem: { code: "document.encrypted", sentence: "Server's own words" },
  });
  const scan = makeDocument({ name: "Scan.pdf", notices: [{ code: "ocr_missing", sentence: "No OCR" }] });
  const moving = makeDocument({ name: "Long.pdf", state: "reading", progress: { done: 9, total: 23 } });

  it("says of each one only what is not as one expects, and passes axe", async () => {
    const { user, requests, router } = await renderScreen(<AllDocumentsScreen />, {
      at: "/documents",
      path: "/documents",
      network: {
        ...base([broken, scan, moving]),
        [`POST /api/v1/documents/${broken.id}/retry`]: { ...broken, state: "waiting", problem: null },
      },
    });
    expect(await screen.findByText("The file is protected by a password. Please add it without one.")).toBeVisible();
    expect(screen.getByText("Text recognition needed")).toBeVisible();
    expect(screen.getByText("is read, page 9 of 23")).toBeVisible();
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "Read again" }));
    await waitFor(() => expect(requests.some(({ path }) => path.endsWith("/retry"))).toBe(true));
    await user.click(screen.getByRole("button", { name: /^Failed/ }));
    await waitFor(() => expect(requests.some(({ search }) => search.get("state") === "failed")).toBe(true));
    expect(router.state.location.search).toMatchObject({ show: "failed" });
    await user.click(screen.getByRole("button", { name: /^Name/ }));
    await waitFor(() => expect(requests.some(({ search }) => search.get("sort") === "name")).toBe(true));
  });

  it("follows events row by row, and asks again only for what they do not say", async () => {
    const { client, requests } = await renderScreen(<AllDocumentsScreen />, {
      network: {
        ...base([moving]),
        [`GET /api/v1/documents/${moving.id}`]: { ...moving, state: "ready", progress: null },
      },
    });
    await screen.findByText("is read, page 9 of 23");
    const before = requests.length;
    const news = { project_id: PROJECT, document_id: moving.id };
    act(() => hearOfDocument(client, { ...news, state: "indexing", done: 5, total: 10 }));
    expect(await screen.findByText("becomes searchable, 50%")).toBeVisible();
    expect(requests.length).toBe(before);
    act(() => hearOfDocument(client, { ...news, state: "ready", done: 0, total: null }));
    await waitFor(() => expect(screen.queryByText(/becomes searchable/)).toBeNull());
    await waitFor(() => expect(requests.some(({ path }) => path.endsWith(moving.id))).toBe(true));
  });

  it("moves many to the trash at once and brings them back", async () => {
    const items = [makeDocument(), makeDocument(), makeDocument()];
    const { user, requests } = await renderScreen(<AllDocumentsScreen />, {
      network: {
        ...base(items),
        "DELETE /api/v1/documents/{id}": null,
        "POST /api/v1/documents/{id}/restore": items[0],
      },
    });
    await user.click(await screen.findByRole("checkbox", { name: `Select ${items[0]?.name}` }));
    await user.keyboard("{Shift>}");
    await user.click(screen.getByRole("checkbox", { name: `Select ${items[2]?.name}` }));
    await user.keyboard("{/Shift}");
    const bar = screen.getByRole("toolbar");
    expect(within(bar).getByText("3 selected")).toBeVisible();
    await user.click(within(bar).getByRole("button", { name: "Move to trash" }));
    await screen.findByText("3 documents are in the trash");
    await user.click(screen.getByRole("button", { name: /Undo/ }));
    await waitFor(() => expect(requests.filter(({ path }) => path.endsWith("/restore"))).toHaveLength(3));
  });

  it("draws of five thousand rows those in sight, and fetches the next as they come", async () => {
    const rows = Array.from({ length: 5000 }, () => makeDocument());
    const { requests } = await renderScreen(<AllDocumentsScreen />, {
      network: {
        ...base([]),
        "GET /api/v1/documents": ({ search }: Seen) => {
          const from = Number(search.get("cursor") ?? 0);
          return page(rows.slice(from, from + 100), from + 100 < rows.length ? String(from + 100) : null);
        },
        "GET /api/v1/documents/counts": { ...countsOf([]), total: 5000 },
      },
    });
    const table = await screen.findByRole("table", { name: "Documents" });
    await waitFor(() => expect(table).toHaveAttribute("aria-rowcount", "5001"));
    expect(within(table).getAllByRole("row").length).toBeLessThan(60);
    expect(requests.filter(({ path }) => path === "/api/v1/documents").length).toBeLessThan(3);
  });
});

describe("intake", () => {
  const project = {
    id: PROJECT,
    name: "Harbour line",
    description: "",
    role: "owner",
    owner: null,
    folder_id: null,
    tags: [],
    colour: null,
    kind: "private_gpt",
    archived_at: null,
    trashed_at: null,
    is_pinned: false,
    version: 1,
  };
  const network = {
    ...base([]),
    [`GET /api/v1/projects/${PROJECT}`]: project,
    [`GET /api/v1/projects/${PROJECT}/dashboard`]: problem(503, "database.away"),
    "GET /api/v1/folders": page([]),
    "GET /api/v1/shares": page([]),
    "POST /api/v1/documents/url": makeDocument({ origin: "url" }),
  };
  const at = { at: `/p/${PROJECT}/documents`, path: "/p/$id/documents" };

  it("takes addresses that are pasted, and says which line is none", async () => {
    const { user, requests } = await renderScreen(inWorkspace(<ProjectDocumentsScreen />), { ...at, network });
    await screen.findByText("What shall be read here?");
    const paste = new Event("paste", { bubbles: true });
    Object.assign(paste, {
      clipboardData: { files: [], getData: () => "https://example.org/a\nhttps://example.org/b" },
    });
    act(() => void document.body.dispatchEvent(paste));
    const field = await screen.findByRole("textbox", { name: "Addresses" });
    expect(field).toHaveValue("https://example.org/a\nhttps://example.org/b");
    await user.type(field, " nonsense");
    await user.click(screen.getByRole("button", { name: /^Fetch/ }));
    expect(await screen.findByText("This is no address of a web page: nonsense")).toBeVisible();
    await user.clear(field);
    await user.type(field, "example.org/c");
    await user.click(screen.getByRole("button", { name: "Fetch" }));
    await waitFor(() =>
      expect(requests.find(({ path }) => path.endsWith("/url"))?.body).toMatchObject({ url: "https://example.org/c" }),
    );
  });
});

describe("the viewer", () => {
  const notes = makeDocument({ name: "Minutes.md", kind: "markdown", pages: 1 });
  const words = "# Minutes\n\nThe bridge is closed at night.";
  const span = { number: 1, name: "", start_at: 0, end_at: words.length, width: 0, height: 0, is_scan: false };
  const pageOf = (document: DocumentRead) => ({
    ...span,
    document_id: document.id,
    text_id: TEXT,
    pages: 1,
    text: words,
    blocks: [
      { kind: "heading", level: 1, start_at: 0, end_at: 9 },
      { kind: "paragraph", level: 0, start_at: 11, end_at: words.length },
    ],
    tables: [],
    words: [],
    hidden: [],
    joins: [],
  });
  const network = (document: DocumentRead): Network => ({
    [`GET /api/v1/documents/${document.id}`]: document,
    [`GET /api/v1/documents/${document.id}/text`]: {
      document_id: document.id,
      text_id: TEXT,
      parser: "1",
      language: "en",
      characters: words.length,
      pages: [span],
      headings: [{ level: 1, text: "Minutes", start_at: 0, page: 1 }],
      versions: [{ text_id: TEXT, parser: "1", characters: 1, created_at: "2026-11-20T08:00:00Z", is_current: true }],
    },
    [`GET /api/v1/documents/${document.id}/pages/1`]: pageOf(document),
    [`GET /api/v1/documents/${document.id}/passages`]: page([
      { text: words, start_at: 0, fresh_at: 0, end_at: words.length },
    ]),
    [`GET /api/v1/projects/${PROJECT}`]: { id: PROJECT, name: "Harbour line" },
  });
  const at = (document: DocumentRead, search: string) => ({ at: `/doc/${document.id}${search}`, path: "/doc/$id" });

  it("marks the passages of the address in a text, finds words in it, and passes axe", async () => {
    const { user } = await renderScreen(inWorkspace(<DocumentScreen />), {
      ...at(notes, "?e=v15-21.m25-40"),
      network: network(notes),
    });
    expect(await screen.findByText("Verbatim")).toBeVisible();
    const marks = () => [...document.querySelectorAll("mark")].map((mark) => [mark.textContent, mark.dataset.look]);
    await waitFor(() =>
      expect(marks()).toEqual([
        ["bridge", "current"],
        ["closed at night", "further"],
      ]),
    );
    expect(await screen.findByText(/Minutes.md, page 1, paragraph 1/)).toBeVisible();
    await expectAccessible();
    screen.getByRole("region", { name: "Text of Minutes.md" }).focus();
    await user.keyboard("n");
    await waitFor(() => expect(marks()[1]).toEqual(["closed at night", "current"]));
    expect(screen.getByText("Hit by its meaning")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Search in this document" }));
    await user.type(screen.getByRole("searchbox", { name: "Search in this document" }), "NIGHT");
    await screen.findByText("1 of 1");
    await waitFor(() => expect(marks()).toContainEqual(["night", "current"]));
  });

  it("shows the text of a PDF that cannot be drawn, and says so", async () => {
    const pdf = makeDocument({ pages: 1 });
    await renderScreen(inWorkspace(<DocumentScreen />), { ...at(pdf, "?e=v15-21"), network: network(pdf) });
    expect(await screen.findByText("This file cannot be drawn here, so this is its text.")).toBeVisible();
    await waitFor(() => expect(document.querySelector('mark[data-look="current"]')).toHaveTextContent("bridge"));
  });
});

describe("the search page", () => {
  const passage = (change: Partial<PassageHit>): PassageHit => ({
    passage_id: crypto.randomUUID(),
    text_id: TEXT,
    ordinal: 0,
    start_at: 100,
    end_at: 160,
    page_first: 4,
    page_last: 4,
    heading: "",
    score: 1,
    found_by: ["words", "vectors"],
    snippet: "The hydraulics need a repair.",
    snippet_at: 100,
    marks: [{ start: 4, end: 14 }],
    text: "The hydraulics need a repair.",
    words: null,
    vectors: null,
    ...change,
  });
  const found = (passages: readonly PassageHit[]) => ({
    results: passages.length
      ? [
          {
            kind: "document",
            id: "20000000-0000-4000-8000-000000000999",
            project_id: PROJECT,
            name: "Report.pdf",
            title: "Report",
            author: "",
            dated: "",
            type: "pdf",
            pages: 12,
            tags: [],
            score: 1,
            passages,
          },
        ]
      : [],
    kinds: ["document"],
    is_weak: false,
    lacks_vectors: false,
    explained: null,
  });
  const at = { at: "/search", path: "/search" };

  it("tells both kinds of hits apart in words and leads to the passage", async () => {
    const hits = [
      passage({}),
      passage({ found_by: ["vectors"], snippet: "Oil leaks.", marks: [], start_at: 300, end_at: 310 }),
    ];
    const { user, requests } = await renderScreen(<SearchScreen />, {
      ...at,
      network: { ...base([]), "GET /api/v1/documents/search": found(hits) },
    });
    await user.type(await screen.findByRole("searchbox"), "hydraulics");
    expect(await screen.findByText("2 passages in 1 document")).toBeVisible();
    expect(screen.getByText("By words and meaning")).toBeVisible();
    const meaning = screen.getByRole("link", { name: /Oil leaks.*By its meaning/ });
    expect(meaning).toHaveAttribute(
      "href",
      `/doc/20000000-0000-4000-8000-000000000999?page=4&e=w104-114.m300-310&i=2&t=${TEXT}`,
    );
    expect(screen.getByText("hydraulics", { selector: "mark" })).toBeVisible();
    await expectAccessible();
    await user.keyboard("{ArrowDown}{ArrowDown}");
    expect(meaning).toHaveFocus();
    await user.click(screen.getByRole("button", { name: "How was this found?" }));
    await waitFor(() => expect(requests.some(({ search }) => search.get("explain") === "true")).toBe(true));
  });

  it("says that nothing in the documents says that", async () => {
    await renderScreen(<SearchScreen />, {
      at: "/search?q=unicorns",
      path: "/search",
      network: { ...base([]), "GET /api/v1/documents/search": found([]) },
    });
    expect(await screen.findByText("Nothing found for “unicorns”.")).toBeVisible();
  });
});
