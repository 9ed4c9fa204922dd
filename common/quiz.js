(() => {
  // Several quizzes may share a page, and Jupyter may run this again: each is woken once.
  for (const quiz of document.querySelectorAll(".srijan-quiz:not([data-live])")) wake(quiz);

  function wake(quiz) {
    quiz.dataset.live = "";
    const words = JSON.parse(quiz.dataset.words);
    const forms = [...quiz.querySelectorAll("form")];
    const kept = recall(quiz);
    quiz.querySelector(".note").remove();

    for (const form of forms) {
      const fieldset = form.querySelector("fieldset");
      const reply = make("div", { className: "reply", role: "status" });
      fieldset.disabled = false;
      Object.assign(form, { autocapitalize: "off", spellcheck: false });
      form.querySelector("details").hidden = true;
      const button = make("button", { type: "button", textContent: words.check });
      fieldset.append(button);
      fieldset.after(reply);

      // Neither in JupyterLab nor in a sandboxed frame does Enter in a field submit its form.
      const check = event => {
        event.preventDefault();
        if (judge(form, words)) kept[form.dataset.id] = answer(form);
        tell();
      };
      button.addEventListener("click", check);
      form.addEventListener("submit", check);
      fieldset.addEventListener("keydown", event => {
        if (event.key === "Enter" && event.target.matches("input") && !event.isComposing) check(event);
      });
      form.addEventListener("input", () => { clear(form); tell(); });
    }

    const bar = make("div", { className: "bar" });
    bar.append(...forms.map(() => make("i")));
    const score = make("p", { className: "score", role: "status" });
    const again = make("button", { type: "button", className: "again", textContent: words.again });
    again.addEventListener("click", () => {
      for (const form of forms) {
        form.reset();
        clear(form);
        Object.assign(form.querySelector("details"), { hidden: true, open: false });
      }
      tell();
      forms[0].querySelector("input").focus();
    });
    quiz.append(bar, score, again);

    // JupyterLab and the classic notebook would take arrow keys and Enter for themselves.
    quiz.addEventListener("keydown", event => event.stopPropagation());
    for (const element of quiz.querySelectorAll("input, button, summary, pre")) {
      element.dataset.lmSuppressShortcuts = "true";
    }

    for (const form of forms) if (restore(form, kept[form.dataset.id])) judge(form, words);
    tell();

    function tell() {
      const count = state => forms.filter(form => form.dataset.state === state).length;
      forms.forEach((form, i) => {
        bar.children[i].dataset.state = form.dataset.state || "";
        if (!form.dataset.state) delete kept[form.dataset.id];
      });
      const right = count("right"), done = right + count("wrong");
      score.textContent = words.score.replace("{right}", right).replace("{done}", done);
      again.hidden = !done;
      remember(quiz, kept);
    }
  }

  // Says right or wrong, and why; true if there was an answer to judge.
  function judge(form, words) {
    const inputs = [...form.querySelectorAll("input")];
    const items = [...form.querySelectorAll("li")];
    const isRight = item => "right" in item.dataset;
    const given = answer(form);
    const reply = form.querySelector(".reply");
    let reasons, right;
    clear(form);
    if (!given.length || (form.dataset.kind === "number" && isNaN(number(given[0])))) {
      reply.append(make("p", { textContent: given.length ? words.number : words.empty }));
      return false;
    }
    if (inputs[0].type === "text") {
      const hit = items.find(item => same(given[0], item.dataset.answer, form.dataset.tolerance));
      right = Boolean(hit) && isRight(hit);
      reasons = [reason(hit || form.querySelector(".hint"))];
    } else {
      const wrong = items.filter((item, i) => inputs[i].checked !== isRight(item));
      right = !wrong.length;
      reasons = items.flatMap((item, i) => {
        if (form.dataset.kind === "single" || right) return inputs[i].checked ? [reason(item)] : [];
        const fault = inputs[i].checked ? words.chosen : words.missed;
        return wrong.includes(item) ? [reason(item, `${"ABCDEFGH"[i]} – ${fault} `)] : [];
      });
    }
    form.dataset.state = right ? "right" : "wrong";
    reply.append(make("p", { className: "verdict", textContent: right ? words.right : words.wrong }));
    reply.append(...reasons);
    form.querySelector("details").hidden = false;
    return true;
  }

  function reason(item, start) {
    const p = make("p", { innerHTML: item.innerHTML });
    p.querySelector("b").remove();
    if (start) p.prepend(make("b", { textContent: start }));
    return p;
  }

  function clear(form) {
    delete form.dataset.state;
    form.querySelector(".reply").replaceChildren();
  }

  // What was chosen (the options' numbers) or typed, as a list; empty if nothing was.
  function answer(form) {
    const inputs = [...form.querySelectorAll("input")];
    if (inputs[0].type === "text") return inputs[0].value.trim() ? [inputs[0].value] : [];
    return inputs.flatMap((input, i) => (input.checked ? [i] : []));
  }

  function restore(form, values) {
    if (!Array.isArray(values)) return false;
    form.querySelectorAll("input").forEach((input, i) => {
      if (input.type === "text") input.value = values[0];
      else input.checked = values.includes(i);
    });
    return true;
  }

  // Devanagari digits, spaces and capitals make no difference.
  function plain(text) {
    const ascii = text.replace(/[०-९]/g, digit => digit.charCodeAt(0) - 0x966);
    return ascii.replace(/\s/g, "").replace(/[−–]/g, "-").toLowerCase();
  }

  // A number, or a fraction such as 3/4; a comma is decimal unless it groups thousands.
  function number(text) {
    const [top, below = "1", ...rest] = plain(text).split("/").map(part => {
      const grouped = /^[+-]?[1-9]\d{0,2}(,\d{2,3})*,\d{3}(\.|$)/.test(part);
      part = grouped ? part.replace(/,/g, "") : part.replace(",", ".");
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(part) ? Number(part) : NaN;
    });
    return rest.length ? NaN : top / below;
  }

  function same(typed, wanted, tolerance) {
    const a = number(typed), b = number(wanted);
    if (isNaN(a) || isNaN(b)) return plain(typed) === plain(wanted);
    return Math.abs(a - b) <= Number(tolerance || 0) + 1e-9 * Math.abs(b);
  }

  // Browsers refuse storage in a sandboxed frame: then nothing is kept, and all else works.
  function recall(quiz) {
    try {
      const kept = JSON.parse(localStorage.getItem(quiz.dataset.remember));
      return kept && typeof kept === "object" ? kept : {};
    } catch { return {}; }
  }

  function remember(quiz, kept) {
    if (!quiz.dataset.remember) return;
    try { localStorage.setItem(quiz.dataset.remember, JSON.stringify(kept)); } catch { /* no storage */ }
  }

  function make(tag, properties) {
    return Object.assign(document.createElement(tag), properties);
  }
})();
