import { screen } from "@testing-library/react";
import { useRef } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { renderScreen } from "../test/render";
import { Dialog } from "../ui/dialog";
import { parseBinding, writeBinding } from "./binding";
import { bindingOf, conflictOf, defineActions, setKeyOverrides } from "./registry";
import { runAction, useAction } from "./use-keys";

defineActions([
  { id: "test.save", title: { en: "Save", de: "Sichern" }, keys: "Mod+S", where: "anywhere" },
  { id: "test.help", title: { en: "Help", de: "Hilfe" }, keys: "?", where: "anywhere" },
  { id: "test.go", title: { en: "Go", de: "Los" }, keys: "G X", where: "anywhere" },
  { id: "test.undo", title: { en: "Undo", de: "Zurück" }, keys: "Mod+Z", where: "anywhere", outsideFields: true },
  { id: "test.next", title: { en: "Next", de: "Weiter" }, keys: "J", where: "list" },
]);

function Probe({ did }: { did: (id: string) => void }) {
  const list = useRef<HTMLUListElement>(null);
  useAction("test.save", () => did("save"));
  useAction("test.help", () => did("help"));
  useAction("test.go", () => did("go"));
  useAction("test.undo", () => did("undo"));
  useAction("test.next", () => did("next"), { within: list });
  return (
    <>
      <input aria-label="Text" />
      <ul ref={list}>
        <li>
          <button type="button">Row</button>
        </li>
      </ul>
    </>
  );
}

afterEach(() => setKeyOverrides({}));

async function probe() {
  const did = vi.fn();
  const view = await renderScreen(<Probe did={did} />);
  return { ...view, did };
}

describe("keys", () => {
  it("do what is bound to them", async () => {
    const { user, did } = await probe();
    await user.keyboard("{Control>}s{/Control}");
    await user.keyboard("?");
    expect(did.mock.calls.flat()).toEqual(["save", "help"]);
  });

  it("follow each other in a sequence, and forget it after another key", async () => {
    const { user, did } = await probe();
    await user.keyboard("gx");
    expect(did.mock.calls.flat()).toEqual(["go"]);
    await user.keyboard("gqx");
    expect(did).toHaveBeenCalledTimes(1);
  });

  it("leave text fields alone, but for chords that mean nothing there", async () => {
    const { user, did } = await probe();
    await user.click(screen.getByLabelText("Text"));
    await user.keyboard("?gx{Control>}z{/Control}");
    expect(did).not.toHaveBeenCalled();
    expect(screen.getByLabelText("Text")).toHaveValue("?gx");
    await user.keyboard("{Control>}s{/Control}");
    expect(did.mock.calls.flat()).toEqual(["save"]);
  });

  it("are single letters only while the list has focus", async () => {
    const { user, did } = await probe();
    await user.keyboard("j");
    expect(did).not.toHaveBeenCalled();
    await user.click(screen.getByRole("button", { name: "Row" }));
    await user.keyboard("j");
    expect(did.mock.calls.flat()).toEqual(["next"]);
  });

  it("can be rebound, and unbound", async () => {
    const { user, did } = await probe();
    setKeyOverrides({ "test.save": "Mod+E", "test.help": "" });
    await user.keyboard("{Control>}s{/Control}?");
    expect(did).not.toHaveBeenCalled();
    await user.keyboard("{Control>}e{/Control}");
    expect(did.mock.calls.flat()).toEqual(["save"]);
    expect(writeBinding(bindingOf("test.help"))).toBe("");
  });

  it("tell of a conflict before two actions share a key", () => {
    expect(conflictOf("test.save", parseBinding("G X"))?.id).toBe("test.go");
    expect(conflictOf("test.save", parseBinding("Mod+S"))).toBeUndefined();
  });

  it("rest while a dialog is open", async () => {
    const did = vi.fn();
    const { user } = await renderScreen(
      <>
        <Probe did={did} />
        <Dialog open onOpenChange={() => {}} title="Ask">
          text
        </Dialog>
      </>,
    );
    await user.keyboard("{Control>}s{/Control}");
    expect(did).not.toHaveBeenCalled();
  });

  it("are not needed: an action can be run by name", async () => {
    const { did } = await probe();
    expect(runAction("test.save")).toBe(true);
    expect(runAction("test.nothing")).toBe(false);
    expect(did).toHaveBeenCalledWith("save");
  });
});
