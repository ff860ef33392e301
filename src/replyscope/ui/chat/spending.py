"""The questions about requests that would pass a spending limit."""

from replyscope.domain.printable import printable_line
from replyscope.engine.spending import Overrun, SpendingAnswer
from replyscope.ui.chat.desk import Desk
from replyscope.ui.dialogs.small import PickDialog


class SpendingQuestions:
    """Asks in a dialog before a request passes a limit."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        if desk.services.spending is not None:
            desk.services.spending.ask = self._ask
            desk.services.spending.note = self._note

    async def _ask(self, over: Overrun) -> SpendingAnswer:
        """Implements AskOverrun. The first row sends nothing: an Enter that was typed before the
        dialog was visible must not spend money.
        """
        rows = [(word, text) for _, word, text in over.choices]
        dialog = PickDialog(over.title, rows, note=printable_line(over.note))
        chosen = await self._desk.ask(dialog)
        answers = {word: answer for answer, word, _ in over.choices}
        return answers.get(chosen or "", SpendingAnswer.NO)

    def _note(self, sentence: str) -> None:
        self._desk.tell(sentence, is_error=False)
