/* Buttons and fields: each has a label, whatever it looks like. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { copy } from "../state/call";
import { t } from "../text";
import { Icon, type IconName } from "./icons";

interface ButtonProps {
  children: ComponentChildren;
  icon?: IconName;
  look?: "primary" | "plain" | "quiet" | "danger";
  type?: "button" | "submit";
  disabled?: boolean;
  busy?: boolean;
  wide?: boolean;
  small?: boolean;
  expanded?: boolean;
  label?: string; // where the visible words alone would not say of whom
  onClick?: () => void;
}

export function Button(p: ButtonProps): JSX.Element {
  const look = `button ${p.look ?? "plain"}${p.wide ? " wide" : ""}${p.small ? " small" : ""}`;
  return (
    <button
      class={look}
      type={p.type ?? "button"}
      disabled={p.disabled || p.busy}
      aria-busy={p.busy ? "true" : undefined}
      aria-expanded={p.expanded}
      aria-label={p.label}
      onClick={p.onClick}
    >
      {p.icon && <Icon name={p.icon} size={p.small ? 16 : 18} />}
      <span>{p.children}</span>
    </button>
  );
}

interface IconButtonProps {
  icon: IconName;
  label: string;
  pressed?: boolean;
  expanded?: boolean;
  small?: boolean;
  look?: string;
  disabled?: boolean;
  onClick?: (event: MouseEvent) => void;
}

export function IconButton(p: IconButtonProps): JSX.Element {
  return (
    <button
      type="button"
      class={`icon-button ${p.look ?? ""} ${p.small ? "small" : ""}`}
      aria-label={p.label}
      title={p.label}
      aria-pressed={p.pressed}
      aria-expanded={p.expanded}
      disabled={p.disabled}
      onClick={p.onClick}
    >
      <Icon name={p.icon} size={p.small ? 18 : 20} />
    </button>
  );
}

interface FieldProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  hint?: string | undefined;
  error?: string | null | undefined;
  type?: string;
  autocomplete?: string;
  placeholder?: string;
  required?: boolean;
  minLength?: number;
  maxLength?: number;
  autofocus?: boolean;
  min?: string;
}

export function Field(p: FieldProps): JSX.Element {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const note = p.error ?? p.hint;
  /* Browsers heed the attribute once for each page loaded, and this is not one. */
  useEffect(() => {
    if (p.autofocus) input.current?.focus();
  }, []);
  return (
    <div class="field">
      <label for={id}>{p.label}</label>
      <input
        ref={input}
        id={id}
        type={p.type ?? "text"}
        value={p.value}
        autocomplete={p.autocomplete ?? "off"}
        placeholder={p.placeholder}
        required={p.required}
        minLength={p.minLength}
        maxLength={p.maxLength}
        min={p.min}
        autofocus={p.autofocus}
        aria-invalid={p.error ? "true" : undefined}
        aria-describedby={note ? `${id}-note` : undefined}
        onInput={(event) => p.onInput(event.currentTarget.value)}
      />
      {note && (
        <p
          id={`${id}-note`}
          class={p.error ? "note error" : "note"}
          role={p.error ? "alert" : undefined}
        >
          {note}
        </p>
      )}
    </div>
  );
}

interface SelectProps {
  label: string;
  value: string;
  options: readonly (readonly [value: string, text: string])[];
  icon?: IconName;
  onChange: (value: string) => void;
}

export function Select(p: SelectProps): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{p.label}</label>
      <div class="select">
        {p.icon && <Icon name={p.icon} size={18} />}
        <select id={id} value={p.value} onChange={(event) => p.onChange(event.currentTarget.value)}>
          {p.options.map(([value, text]) => (
            <option key={value} value={value} selected={value === p.value}>
              {text}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}

interface ChoiceProps {
  name: string;
  legend: string;
  value: string;
  options: readonly (readonly [value: string, text: string])[];
  onChange: (value: string) => void;
}

export function Choice(p: ChoiceProps): JSX.Element {
  return (
    <fieldset class="choice">
      <legend>{p.legend}</legend>
      {p.options.map(([value, text]) => (
        <label key={value}>
          <input
            type="radio"
            name={p.name}
            checked={value === p.value}
            onChange={() => p.onChange(value)}
          />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

export function Check(p: {
  label: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}): JSX.Element {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={p.checked}
        onChange={(event) => p.onChange(event.currentTarget.checked)}
      />
      <span>{p.label}</span>
    </label>
  );
}

/** Says that it was copied, for a moment. */
export function CopyButton(p: {
  text: string;
  label: string;
  look?: ButtonProps["look"];
  small?: boolean;
}): JSX.Element {
  const [done, setDone] = useState(false);
  const onClick = async () => {
    if (!(await copy(p.text))) return;
    setDone(true);
    setTimeout(() => setDone(false), 2000);
  };
  return (
    <Button
      icon={done ? "check" : "copy"}
      look={p.look ?? "plain"}
      small={p.small ?? false}
      onClick={() => void onClick()}
    >
      <span aria-live="polite">{done ? t.common.copied : p.label}</span>
    </Button>
  );
}

export function ProblemBox(p: { text: string; next: string; severe?: boolean }): JSX.Element {
  return (
    <div class={`problem ${p.severe ? "severe" : ""}`} role="alert">
      <Icon name="warning" />
      <div>
        <p class="strong">{p.text}</p>
        {p.next && <p>{p.next}</p>}
      </div>
    </div>
  );
}
