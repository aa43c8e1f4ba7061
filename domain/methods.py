"""Every method of the Bot API, and what may be done with it: one table, amended by moving a name.

Repeatable: executing it twice leaves what executing it once leaves. Everything else is attempted once, and
an answer that was lost makes the command uncertain. Names are found whatever their case, as Telegram finds them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Method(NamedTuple):
    name: str
    repeatable: bool
    cosmetic: bool = False
    chat: str | None = None
    """The parameter that names the chat where the method acts; the target, where there are two."""
    refused: str | None = None
    """Ends the sentence "… is not a command here:"; None for a method that tenants may use."""
    done_when: tuple[str, ...] = ()
    """How a lower-cased description of Telegram begins when a repeat finds the work already done."""


CHAT = "chat_id"
NO_UPDATES = 'the gateway sees to a bot\'s updates: PATCH /api/bots/{bot_id} with {"updates": …}'


def _repeatable(
    names: str, *, chat: str | None = None, cosmetic: bool = False, done_when: tuple[str, ...] = ()
) -> Iterator[Method]:
    return (Method(name, repeatable=True, cosmetic=cosmetic, chat=chat, done_when=done_when) for name in names.split())


def _once(names: str, *, chat: str | None = None) -> Iterator[Method]:
    return (Method(name, repeatable=False, chat=chat) for name in names.split())


ROWS: tuple[Method, ...] = (
    # Asking changes nothing.
    *_repeatable("""
        getAvailableGifts getBusinessAccountGifts getBusinessAccountStarBalance getBusinessConnection
        getCustomEmojiStickers getFile getForumTopicIconStickers getManagedBotAccessSettings getManagedBotToken
        getMe getMyCommands getMyDefaultAdministratorRights getMyDescription getMyName getMyShortDescription
        getMyStarBalance getStarTransactions getStickerSet getUserGifts getUserPersonalChatMessages
        getUserProfileAudios getUserProfilePhotos
    """),
    *_repeatable(
        """
        getChat getChatAdministrators getChatGifts getChatMember getChatMemberCount getChatMenuButton
        getGameHighScores getUserChatBoosts
        """,
        chat=CHAT,
    ),
    # The last write wins, and a second one leaves nothing more behind.
    *_repeatable("""
        setBusinessAccountBio setBusinessAccountGiftSettings setBusinessAccountName
        setManagedBotAccessSettings setMyCommands deleteMyCommands setMyDefaultAdministratorRights
        setMyDescription setMyName setMyShortDescription setPassportDataErrors setUserEmojiStatus
        editUserStarSubscription verifyUser removeUserVerification
        setCustomEmojiStickerSetThumbnail setStickerEmojiList setStickerKeywords setStickerMaskPosition
        setStickerPositionInSet setStickerSetThumbnail setStickerSetTitle
    """),
    *_repeatable("setBusinessAccountUsername", done_when=("bad request: username_not_modified",)),
    *_repeatable(
        """
        setChatAdministratorCustomTitle setChatMemberTag setChatMenuButton setChatStickerSet deleteChatStickerSet
        banChatMember unbanChatMember banChatSenderChat unbanChatSenderChat restrictChatMember promoteChatMember
        editChatInviteLink editChatSubscriptionInviteLink revokeChatInviteLink verifyChat removeChatVerification
        unpinAllChatMessages unpinAllForumTopicMessages unpinAllGeneralForumTopicMessages readBusinessMessage
        """,
        chat=CHAT,
    ),
    *_repeatable("setChatTitle", chat=CHAT, done_when=("bad request: chat title is not modified",)),
    *_repeatable("setChatDescription", chat=CHAT, done_when=("bad request: chat description is not modified",)),
    # Telegram posts a notice of a pin or a removed photo, but not when nothing changes.
    *_repeatable(
        "pinChatMessage setChatPermissions deleteChatPhoto", chat=CHAT, done_when=("bad request: chat_not_modified",)
    ),
    *_repeatable(
        """
        editForumTopic closeForumTopic reopenForumTopic
        editGeneralForumTopic closeGeneralForumTopic reopenGeneralForumTopic
        hideGeneralForumTopic unhideGeneralForumTopic
        """,
        chat=CHAT,
        done_when=("bad request: topic_not_modified",),
    ),
    *_repeatable("leaveChat", chat=CHAT, done_when=("forbidden: bot is not a member",)),
    *_repeatable(
        "approveChatJoinRequest",
        chat=CHAT,
        done_when=("bad request: user_already_participant", "bad request: hide_requester_missing"),
    ),
    *_repeatable("declineChatJoinRequest", chat=CHAT, done_when=("bad request: hide_requester_missing",)),
    # Editing names the message and the whole new content. live_period counts from the message's own date.
    *_repeatable(
        """
        editMessageCaption editMessageChecklist editMessageLiveLocation editMessageMedia editMessageReplyMarkup
        editMessageText stopMessageLiveLocation editEphemeralMessageCaption editEphemeralMessageMedia
        editEphemeralMessageReplyMarkup editEphemeralMessageText setMessageReaction
        """,
        chat=CHAT,
        done_when=("bad request: message is not modified",),
    ),
    *_repeatable("editStory", done_when=("bad request: story_not_modified",)),
    *_repeatable("stopPoll", chat=CHAT, done_when=("bad request: poll has already been closed",)),
    # Without force a score that does not rise is an error, also when it was this very command that raised it.
    *_repeatable("setGameScore", chat=CHAT, done_when=("bad request: bot_score_not_modified",)),
    # What is gone cannot go again.
    *_repeatable(
        "deleteMessage deleteEphemeralMessage", chat=CHAT, done_when=("bad request: message to delete not found",)
    ),
    *_repeatable("deleteMessages deleteMessageReaction deleteAllMessageReactions", chat=CHAT),
    *_repeatable("deleteBusinessMessages deleteStory deleteStickerFromSet"),
    *_repeatable("deleteStickerSet", done_when=("bad request: stickerset_invalid",)),
    *_repeatable(
        "deleteForumTopic",
        chat=CHAT,
        done_when=(
            "bad request: topic_id_invalid",
            "bad request: topic_deleted",
            "bad request: message thread not found",
        ),
    ),
    # A query's id is used up by its first answer.
    *_repeatable("answerCallbackQuery answerInlineQuery", done_when=("bad request: query is too old",)),
    # Here too, but "too old" may also be a payment or a request that failed: nobody may call that done.
    *_repeatable("answerPreCheckoutQuery answerShippingQuery answerChatJoinRequestQuery"),
    # Gone by themselves after seconds, and the next one replaces them.
    *_repeatable("sendChatAction sendMessageDraft sendRichMessageDraft", chat=CHAT, cosmetic=True),
    # Somebody would read it twice.
    *_once(
        """
        sendAnimation sendAudio sendChecklist sendContact sendDice sendDocument sendGame sendInvoice sendLivePhoto
        sendLocation sendMediaGroup sendMessage sendPaidMedia sendPhoto sendPoll sendRichMessage sendSticker sendVenue
        sendVideo sendVideoNote sendVoice copyMessage copyMessages forwardMessage forwardMessages
        """,
        chat=CHAT,
    ),
    *_once("answerGuestQuery answerWebAppQuery sendChatJoinRequestWebApp postStory repostStory"),
    # Stars, gifts and subscriptions.
    *_once("sendGift approveSuggestedPost declineSuggestedPost", chat=CHAT),
    *_once("""
        convertGiftToStars giftPremiumSubscription refundStarPayment transferBusinessAccountStars transferGift
        upgradeGift
    """),
    # Each execution makes a new thing, or replaces a secret by a new one.
    *_once("createChatInviteLink createChatSubscriptionInviteLink createForumTopic exportChatInviteLink", chat=CHAT),
    *_once("""
        createInvoiceLink createNewStickerSet addStickerToSet replaceStickerInSet uploadStickerFile
        savePreparedInlineMessage savePreparedKeyboardButton replaceManagedBotToken
    """),
    # Without a message_id it takes the newest pin, so a second one takes the next.
    *_once("unpinChatMessage", chat=CHAT),
    # Every new photo is a new notice in the chat, the same picture too.
    *_once("setChatPhoto", chat=CHAT),
    # Profile photos are a stack: each setting adds one, each removal uncovers the one below.
    *_once("""
        setBusinessAccountProfilePhoto removeBusinessAccountProfilePhoto setMyProfilePhoto removeMyProfilePhoto
    """),
    # Ours to do.
    Method("getUpdates", repeatable=True, refused=NO_UPDATES),
    Method("setWebhook", repeatable=True, refused=NO_UPDATES),
    Method(
        "deleteWebhook",
        repeatable=True,
        refused=NO_UPDATES,
    ),
    Method("getWebhookInfo", repeatable=True, refused=NO_UPDATES),
    Method("logOut", repeatable=False, refused="it would take the bot away from this server"),
    Method("close", repeatable=False, refused="the gateway opens and closes the bot's session itself"),
)

METHODS: Mapping[str, Method] = MappingProxyType({method.name.lower(): method for method in ROWS})
"""By lower-cased name."""


def method_named(name: str) -> Method | None:
    return METHODS.get(name.lower())
