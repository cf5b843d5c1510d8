// Asks before folders make tags; what they hold waits for the answer.
(() => {
  "use strict";
  const classifr = (window.classifr ??= {});

  // sendWithTags, sendAsTheyAre, sendAsTags: what is done with each folder once the person has chosen
  classifr.tagQuestion = ({ missing, say, post, tell, sendWithTags, sendAsTheyAre, sendAsTags }) => {
    const spaces = missing.querySelector("[data-spaces]");
    let waiting = []; // what is sent once the person has agreed to new tags

    function ask(folders) {
      waiting = [...waiting, ...folders];
      const tags = newTags(waiting);
      const splits = waiting.map(({ judged }) => judged.splits).filter(Boolean);
      missing.querySelector("[data-splits]").textContent = splits.join(" ");
      missing.querySelector("[data-sentence]").hidden = missing.querySelector("[data-make]").hidden = !tags.length;
      missing.querySelector("[data-go-on]").hidden = Boolean(tags.length);
      missing.querySelector("[data-as-tags]").hidden = !splits.length;
      spaces.hidden = !tags.some(({ name }) => name.includes("_"));
      const lines = tags.map(({ name, detail }) => classifr.namedLine(name, detail));
      missing.querySelector("[data-new-tags]").replaceChildren(...lines);
      missing.hidden = false;
      missing.querySelector("button:not([hidden])").focus();
    }

    function newTags(folders) {
      // By name: of folders that are chosen one after another, the second may be judged first.
      return folders.flatMap(({ judged }) => judged.new_tags).sort((one, other) => one.name.localeCompare(other.name));
    }

    async function makeTags() {
      const folders = closeQuestion(); // at once: a second click finds nothing to do
      const body = new FormData();
      const written = (name) => (spaces.querySelector("input").checked ? name.replaceAll("_", " ") : name);
      for (const { name } of newTags(folders)) body.append("name", written(name));
      try {
        await post(say.tagsUrl, body);
        for (const folder of folders) await sendWithTags(folder);
      } catch (error) {
        ask(folders);
        tell(classifr.sentenceOf(error, say));
      }
    }

    function closeQuestion() {
      const folders = waiting;
      missing.hidden = true;
      waiting = [];
      return folders;
    }

    missing.querySelector("[data-make]").addEventListener("click", () => waiting.length && makeTags());
    missing.querySelector("[data-go-on]").addEventListener("click", () => closeQuestion().forEach(sendAsTheyAre));
    missing.querySelector("[data-as-tags]").addEventListener("click", () => closeQuestion().forEach(sendAsTags));
    missing.querySelector("[data-drop-it]").addEventListener("click", closeQuestion);
    return ask;
  };
})();
