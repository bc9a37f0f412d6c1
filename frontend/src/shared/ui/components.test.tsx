import { screen, waitFor, within } from "@testing-library/react";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { describe, expect, it, vi } from "vitest";
import { Problem } from "../api/problem";
import { expectAccessible, renderScreen } from "../test/render";
import { Button, IconButton } from "./button";
import { axisSteps, BarChart } from "./charts";
import { Checkbox, RadioGroup, Switch } from "./choice";
import { Combobox } from "./combobox";
import { CopyButton } from "./copy-button";
import { AlertDialog, Dialog } from "./dialog";
import { Field } from "./field";
import { Input, PasswordInput, SearchField, Textarea } from "./input";
import { Avatar, Badge, ProgressBar, StateMark } from "./marks";
import { ContextMenu, Menu } from "./menu";
import { Breadcrumb, LoadMore } from "./navigation";
import { Select } from "./select";
import { EmptyState, ErrorState, LoadingBars, Notice } from "./states";
import { Table, TableHead, Td, Th, Tr } from "./table";
import { Segmented, Tabs } from "./tabs";
import { Bytes, Money, When } from "./values";

const fruits = [
  { value: "apple", label: "Apple" },
  { value: "pear", label: "Pear" },
  { value: "plum", label: "Plum", disabled: true },
];

describe("buttons", () => {
  it("do their deed once and stay in place while it takes", async () => {
    const did = vi.fn();
    const { user } = await renderScreen(
      <>
        <Button onClick={did}>Save</Button>
        <Button onClick={did} busy>
          Sending
        </Button>
        <IconButton icon={Trash2} label="Delete" keys={["Del"]} onClick={did} />
      </>,
    );
    await user.click(screen.getByRole("button", { name: "Save" }));
    await user.click(screen.getByRole("button", { name: "Delete" }));
    await user.click(screen.getByRole("button", { name: "Sending" }));
    expect(did).toHaveBeenCalledTimes(2);
    expect(screen.getByRole("button", { name: "Sending" })).toHaveAttribute("aria-busy", "true");
  });
});

describe("fields", () => {
  it("tie label, help and message to the control", async () => {
    await renderScreen(
      <>
        <Field label="Address" help="Only for messages." error="This is not an address." optional>
          <Input name="email" />
        </Field>
        <Field label="Note">
          <Textarea />
        </Field>
        <Field label="Password">
          <PasswordInput />
        </Field>
      </>,
    );
    const address = screen.getByRole("textbox", { name: "Address (optional)" });
    expect(address).toHaveAccessibleDescription(/Only for messages/);
    expect(address).toHaveAccessibleDescription(/This is not an address/);
    expect(address).toBeInvalid();
    expect(screen.getByRole("textbox", { name: "Note" })).toBeValid();
    await expectAccessible();
  });

  it("show a password only on demand", async () => {
    const { user } = await renderScreen(
      <Field label="Password">
        <PasswordInput />
      </Field>,
    );
    const field = screen.getByLabelText("Password");
    expect(field).toHaveAttribute("type", "password");
    await user.click(screen.getByRole("button", { name: "Show password" }));
    expect(field).toHaveAttribute("type", "text");
  });

  it("empty a search with Esc before it is left", async () => {
    function Probe() {
      const [value, setValue] = useState("");
      return <SearchField label="Search people" value={value} onChange={setValue} keys={["/"]} />;
    }
    const { user } = await renderScreen(<Probe />);
    const field = screen.getByRole("searchbox", { name: "Search people" });
    await user.type(field, "rk{Escape}");
    expect(field).toHaveValue("");
    await user.type(field, "rk");
    await user.click(screen.getByRole("button", { name: "Clear search" }));
    expect(field).toHaveFocus();
  });
});

describe("choices", () => {
  it("select by keyboard and leave out what is disabled", async () => {
    const chose = vi.fn();
    const { user } = await renderScreen(
      <Field label="Fruit">
        <Select options={fruits} value="apple" onChange={chose} />
      </Field>,
    );
    const trigger = screen.getByRole("combobox", { name: "Fruit" });
    expect(trigger).toHaveTextContent("Apple");
    await user.click(trigger);
    expect(await screen.findByRole("option", { name: "Plum" })).toHaveAttribute("aria-disabled", "true");
    await user.click(screen.getByRole("option", { name: "Pear" }));
    expect(chose).toHaveBeenCalledWith("pear");
  });

  it("find in a long list by typing", async () => {
    const chose = vi.fn();
    const { user } = await renderScreen(<Combobox label="Fruit" options={fruits} value={null} onChange={chose} />);
    await user.type(screen.getByRole("combobox", { name: "Fruit" }), "pea");
    const options = await screen.findAllByRole("option");
    expect(options.map((option) => option.textContent)).toEqual(["Pear"]);
    await user.click(options[0] as HTMLElement);
    expect(chose).toHaveBeenCalledWith("pear");
  });

  it("have names, help and states", async () => {
    const changed = vi.fn();
    const { user } = await renderScreen(
      <>
        <Checkbox label="Remember me" help="For 30 days." checked={false} onChange={changed} />
        <Switch label="Messages" checked onChange={changed} />
        <RadioGroup
          label="Look"
          look="rows"
          value="light"
          onChange={changed}
          options={[
            { value: "light", label: "Light", details: <span>bright</span> },
            { value: "dark", label: "Dark", help: "For the night." },
          ]}
        />
      </>,
    );
    await user.click(screen.getByText("Remember me"));
    expect(changed).toHaveBeenLastCalledWith(true, expect.anything());
    expect(screen.getByRole("checkbox", { name: "Remember me" })).toHaveAccessibleDescription("For 30 days.");
    await user.click(screen.getByRole("switch", { name: "Messages" }));
    expect(changed).toHaveBeenLastCalledWith(false, expect.anything());
    await user.click(screen.getByRole("radio", { name: "Dark" }));
    expect(changed).toHaveBeenLastCalledWith("dark");
    expect(screen.getByText("bright")).toBeVisible();
    await expectAccessible();
  });

  it("switch tabs and filters", async () => {
    const changed = vi.fn();
    const { user } = await renderScreen(
      <>
        <Tabs
          label="Parts"
          value="a"
          onChange={changed}
          items={[
            { value: "a", label: "First", count: 3, panel: <p>one</p> },
            { value: "b", label: "Second", panel: <p>two</p> },
          ]}
        />
        <Segmented
          label="State"
          value="all"
          onChange={changed}
          items={[
            { value: "all", label: "All" },
            { value: "x", label: "Failed", count: 2 },
          ]}
        />
      </>,
    );
    expect(screen.getByRole("tabpanel")).toHaveTextContent("one");
    await user.click(screen.getByRole("tab", { name: "Second" }));
    expect(changed).toHaveBeenLastCalledWith("b");
    await user.click(within(screen.getByRole("group", { name: "State" })).getByRole("button", { name: /Failed/ }));
    expect(changed).toHaveBeenLastCalledWith("x");
    await expectAccessible();
  });
});

describe("dialogs", () => {
  it("put the cursor into their first field, and give focus back", async () => {
    function Probe() {
      const [open, setOpen] = useState(false);
      return (
        <>
          <Button onClick={() => setOpen(true)}>Rename</Button>
          <Dialog
            open={open}
            onOpenChange={setOpen}
            title="New name"
            onSubmit={() => setOpen(false)}
            footer={<Button type="submit">Rename it</Button>}
          >
            <Field label="Name">
              <Input />
            </Field>
          </Dialog>
        </>
      );
    }
    const { user } = await renderScreen(<Probe />);
    await user.click(screen.getByRole("button", { name: "Rename" }));
    const dialog = await screen.findByRole("dialog", { name: "New name" });
    await waitFor(() => expect(within(dialog).getByLabelText("Name")).toHaveFocus());
    await expectAccessible();
    await user.keyboard("{Enter}");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    await waitFor(() => expect(screen.getByRole("button", { name: "Rename" })).toHaveFocus());
  });

  it("delete for good only after the name was typed", async () => {
    const did = vi.fn();
    const { user } = await renderScreen(
      <AlertDialog
        open
        onOpenChange={() => {}}
        title="Delete for good"
        description="This cannot be undone."
        action="Delete"
        typeName="R. K."
        onConfirm={did}
      />,
    );
    const dialog = screen.getByRole("alertdialog", { name: "Delete for good" });
    const button = within(dialog).getByRole("button", { name: "Delete" });
    expect(button).toBeDisabled();
    await user.type(within(dialog).getByLabelText("Type “R. K.” to confirm"), "R. K.{Enter}");
    expect(did).toHaveBeenCalledTimes(1);
    await expectAccessible();
  });
});

describe("menus", () => {
  it("offer the same entries by button and by right click", async () => {
    const did = vi.fn();
    const entries = [
      { label: "Open", onSelect: did },
      { kind: "separator" as const },
      { label: "Delete", danger: true, onSelect: did },
    ];
    const { user } = await renderScreen(
      <>
        <Menu trigger={<Button>More</Button>} entries={entries} />
        <ContextMenu entries={entries}>
          <div>Row</div>
        </ContextMenu>
      </>,
    );
    await user.click(screen.getByRole("button", { name: "More" }));
    await user.click(await screen.findByRole("menuitem", { name: "Delete" }));
    expect(did).toHaveBeenCalledTimes(1);
    await waitFor(() => expect(screen.queryByRole("menu")).toBeNull());
    await user.pointer({ target: screen.getByText("Row"), keys: "[MouseRight]" });
    expect(await screen.findByRole("menuitem", { name: "Open" })).toBeVisible();
  });
});

describe("what is only shown", () => {
  it("is read out in words", async () => {
    await renderScreen(
      <>
        <Breadcrumb items={[{ label: "Admin", link: (label) => <a href="/admin">{label}</a> }, { label: "Users" }]} />
        <Table caption="People">
          <TableHead>
            <Th sort="ascending" onSort={() => {}}>
              Name
            </Th>
            <Th right>Size</Th>
          </TableHead>
          <tbody>
            <Tr>
              <Td>
                <Avatar initials="RK" /> R. K.
              </Td>
              <Td right>
                <Bytes value={6_100_000} />
              </Td>
            </Tr>
          </tbody>
        </Table>
        <StateMark tone="brick">Key rejected</StateMark>
        <Badge tone="brass">must</Badge>
        <ProgressBar label="Reading" value={3} max={12} />
        <When at="2026-11-20T13:32:00Z" look="full" />
        <Money nano={28_000_000} currency="EUR" />
        <EmptyState title="Nothing yet" action={<Button>Begin</Button>}>
          People appear here.
        </EmptyState>
        <Notice tone="brass" title="Careful">
          Nearly full.
        </Notice>
        <LoadingBars />
      </>,
    );
    expect(screen.getByRole("columnheader", { name: /Name/ })).toHaveAttribute("aria-sort", "ascending");
    expect(screen.getByRole("progressbar", { name: "Reading" })).toHaveAttribute("aria-valuenow", "25");
    expect(screen.getByText("20 Nov 2026, 14:32")).toHaveAttribute("datetime", "2026-11-20T13:32:00Z");
    expect(screen.getByText("2.8 ct")).toBeVisible();
    expect(screen.getByText("Users")).toHaveAttribute("aria-current", "page");
    await expectAccessible();
  });

  it("gives charts a table", async () => {
    await renderScreen(
      <BarChart
        title="Sign-ins"
        unit="per day"
        bars={[
          { name: "1 November", label: "1", value: 4 },
          { name: "2 November", label: "", value: 0 },
        ]}
      />,
    );
    const table = screen.getByRole("table", { name: "Sign-ins, per day" });
    expect(within(table).getByRole("row", { name: "1 November 4" })).toBeInTheDocument();
    await expectAccessible();
  });

  it("steps axes roundly", () => {
    expect(axisSteps(0)).toEqual([0, 1]);
    expect(axisSteps(4)).toEqual([0, 2, 4]);
    expect(axisSteps(11)).toEqual([0, 5, 10, 15]);
    expect(axisSteps(2)).toEqual([0, 1, 2]);
  });

  it("says how much of a list is here, and loads more", async () => {
    const load = vi.fn();
    const { user } = await renderScreen(<LoadMore loaded={50} total={1200} hasMore busy={false} onLoad={load} />);
    expect(screen.getByText("50 of 1,200")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Load more" }));
    expect(load).toHaveBeenCalled();
  });

  it("tells a failure by its code, with details to unfold", async () => {
    const retry = vi.fn();
    const error = new Problem({
      status: 409,
      code: "people.last_admin",
      title: "x",
      detail: "the detail",
      request_id: "req-1",
    });
    const { user } = await renderScreen(<ErrorState error={error} onRetry={retry} />, { language: "de" });
    expect(screen.getByRole("alert")).toHaveTextContent("letzte");
    await user.click(screen.getByText("Technische Einzelheiten"));
    expect(screen.getByText("Anfrage req-1")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Noch einmal versuchen" }));
    expect(retry).toHaveBeenCalled();
  });
});

describe("copying", () => {
  it("says that it worked, and what to do when it cannot", async () => {
    const { user } = await renderScreen(<CopyButton text="ktr_secret" withWord />);
    await user.click(screen.getByRole("button", { name: "Copy" }));
    expect(await screen.findByRole("button", { name: "Copied" })).toBeVisible();
    expect(await navigator.clipboard.readText()).toBe("ktr_secret");
  });
});
