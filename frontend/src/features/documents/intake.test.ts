// @vitest-environment jsdom
import { File as Bytes } from "node:buffer";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { problem, type Seen, serve } from "@/shared/test/network";
import { pieces, quote } from "./find";
import { isAddresses, isWanted, readAddresses } from "./intake";
import { dropUploads, retryUpload, startUploads, type Upload, watchUploads } from "./uploads";

describe("what is pasted", () => {
  it("is read as addresses, line by line", () => {
    expect(readAddresses("https://example.org/a\nexample.org/b  https://example.org/a").addresses).toEqual([
      "https://example.org/a",
      "https://example.org/b",
    ]);
    expect(readAddresses("https://example.org javascript:alert(1)").wrong).toBe("javascript:alert(1)");
    expect(readAddresses("Hello").wrong).toBe("Hello");
    expect([isAddresses("https://example.org/a\nhttp://b.example"), isAddresses("see https://example.org")]).toEqual([
      true,
      false,
    ]);
    expect(["report.pdf", ".DS_Store", "Thumbs.db", "~$report.docx"].filter(isWanted)).toEqual(["report.pdf"]);
  });
});

describe("a snippet", () => {
  const hit = {
    snippet: "One 𝄞 two three and\nfour five",
    marks: [
      { start: 6, end: 9 },
      { start: 20, end: 24 },
    ],
  };

  it("is cut at its marks without losing a letter", () => {
    expect(
      pieces(hit)
        .map(({ text }) => text)
        .join(""),
    ).toBe(hit.snippet);
    expect(pieces(hit).flatMap(({ text, isHit }) => (isHit ? [text] : []))).toEqual(["two", "four"]);
    expect(pieces({ snippet: "plain", marks: [] })).toEqual([{ text: "plain", isHit: false, at: 0 }]);
  });

  it("is quoted from a little before what was asked for", () => {
    expect(quote({ snippet: `${"words before ".repeat(9)}the hit`, marks: [{ start: 121, end: 124 }] }, "de")).toBe(
      "„… words before the hit“",
    );
  });
});

describe("uploads", () => {
  const project = "10000000-0000-4000-8000-000000000001";
  // jsdom has files of its own, which Node's fetch would send as the words "[object File]".
  const big = new Bytes([new Uint8Array(5 * 1024 * 1024)], "big.pdf") as unknown as File;
  const small = new File(["hello"], "small.txt", { type: "text/plain" });
  const upload = (received: number) => ({
    id: "u1",
    project_id: project,
    name: "big.pdf",
    received,
    part_bytes: 2 ** 21,
  });
  let now: readonly Upload[] = [];
  let stop = () => {};

  beforeEach(() => {
    stop = watchUploads((uploads) => {
      now = uploads;
    });
  });
  afterEach(() => {
    dropUploads(now);
    stop();
  });
  const until = (state: Upload["state"]) => vi.waitFor(() => expect(now.map((each) => each.state)).toEqual([state]));

  it("go on from what the server has when a part's answer was lost", async () => {
    let received = 0;
    let losses = 1;
    const starts: number[] = [];
    serve({
      "POST /api/v1/documents/uploads": upload(0),
      "GET /api/v1/documents/uploads/u1": () => upload(received),
      "PATCH /api/v1/documents/uploads/u1": ({ headers, body }: Seen) => {
        const start = Number(headers.get("upload-offset"));
        starts.push(start);
        if (start !== received) return problem(409, "document.upload_elsewhere", [], { received });
        received += String(body).length;
        if (losses-- > 0) throw new TypeError("The line broke after the part had arrived.");
        return upload(received);
      },
      "POST /api/v1/documents/uploads/u1/finish": { id: "d1" },
    });
    startUploads(project, [big]);
    await until("broken");
    window.dispatchEvent(new Event("online"));
    await until("done");
    expect(received).toBe(big.size);
    // The first part is offered twice, and taken once.
    expect(starts.slice(0, 3)).toEqual([0, 0, 2 ** 20]);
    expect(now[0]?.sent).toBe(big.size);
  });

  it("ask before the same content is added again", async () => {
    const { requests } = serve({
      "POST /api/v1/documents/upload": ({ search }: Seen) =>
        search.get("allow_duplicate") === "true"
          ? { items: [{ id: "d2" }], refused: [] }
          : problem(409, "document.duplicate", [], { document_id: "d1", name: "same.txt" }),
    });
    startUploads(project, [small]);
    await until("duplicate");
    expect(now[0]?.present).toBe("d1");
    retryUpload(now[0]?.id ?? 0, { allowDuplicate: true });
    await until("done");
    expect(requests.map(({ search }) => search.get("project_id"))).toEqual([project, project]);
  });
});
