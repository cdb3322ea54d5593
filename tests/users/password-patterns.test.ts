import { expect, test } from "bun:test";
import { followsRow, isMadeOf, lengthOfUnit } from "../../src/users/password-patterns.ts";

test("R5: what is repeated counts once, the last time perhaps cut short", () => {
  const units = {
    aaaaaaaaaaaaaaa: 1,
    abcabcabcabcab: 3,
    iloveyouiloveyou: 8,
    "🦉🐢🦉🐢🦉🐢": 2,
    "correct horse battery staple": 28,
    // Ends as it begins, but is not twice the same.
    "stapler and staple": 18,
    aaaaaaaaaaaaaaab: 16,
  };
  for (const [text, unit] of Object.entries(units)) {
    expect([text, lengthOfUnit(text)]).toEqual([text, unit]);
  }
});

test("R5: a stretch of the keyboard, the alphabet or the digits is known, either way and around the end", () => {
  for (const text of [
    "123456789012345",
    "098765432109876",
    "789012345678901",
    "abcdefghijklmno",
    "zyxwvutsrqponml",
    "qwertyuiopasdfg",
    "lkjhgfdsapoiuytrewq",
    "1qaz2wsx3edc4rfv",
  ]) {
    expect([text, followsRow(text)]).toEqual([text, true]);
  }
  for (const text of ["123456789012346", "abcdefghijklmnop!", "83920174650283917"]) {
    expect([text, followsRow(text)]).toEqual([text, false]);
  }
});

test("R6: words of the context, with digits and signs around them, and nothing else", () => {
  const context = ["jane.doe99@example.com", "Zoë", "Acme Corp & Sons", "acme-42", "X"];
  for (const text of [
    "jane.doe99@example.com",
    "janedoejanedoe",
    "doe-doe-doe-2024!",
    "2024 zoë 2024 zoë",
    "acmecorp1234567",
    "acme42acme42acme",
    "(acme) sons, corp.",
  ]) {
    expect([text, isMadeOf(text, context)]).toEqual([text, true]);
  }
  for (const text of [
    "jane likes horses",
    "acmecorpzebra12",
    "83920174650283917",
    "x 839201746502839", // One letter is no word.
    "🦉🐢🦊🐙🦔🐝🦋🐳",
  ]) {
    expect([text, isMadeOf(text, context)]).toEqual([text, false]);
  }
});

test("R6: without any context nothing is made of it", () => {
  expect(isMadeOf("839201746502839", ["", "", "99"])).toBe(false);
});
