"""The list of chats: pins, names, and the hits of a search.

The code that the patches call is in `public/chat-list.js`.
"""

from app.frontend.patches.patch import Patch

CHAT_LIST = (
    Patch(
        name="pinned-group",
        why="pinned chats are a group",
        file="libs/react-client/src/state.ts",
        old="(a=Vvt(n.threads))",
        new="(a=kimi.chats.groups(n.threads,Vvt))",
    ),
    Patch(
        name="pinned-first",
        why="pinned chats are the first group",
        file="frontend/src/components/LeftSidebar/ThreadList.tsx",
        old='const Z=["Today","Yesterday",',
        new='const Z=["Pinned","Today","Yesterday",',
    ),
    Patch(
        name="pinned-label",
        why="the group of pinned chats has a title",
        file="frontend/src/components/LeftSidebar/ThreadList.tsx",
        old="ne=Z=>({Today:",
        new="ne=Z=>({Pinned:kimi.text.pinned,Today:",
    ),
    Patch(
        name="chat-row-height",
        why="a chat's row shows its time and file: room for them",
        file="frontend/src/components/LeftSidebar/ThreadList.tsx",
        old='className:"relative h-9 group/thread"',
        new='className:"relative h-12 group/thread"',
    ),
    Patch(
        name="rename-by-enter",
        why="Enter in the field of a new name renames the chat",
        file="frontend/src/components/LeftSidebar/ThreadList.tsx",
        old='f.jsx(gu,{id:"name",required:!0,value:p,',
        new='f.jsx(gu,{id:"name",required:!0,value:p,'
        'onKeyDown:Z=>{Z.key==="Enter"&&!Z.nativeEvent.isComposing&&(Z.preventDefault(),oe())},',
    ),
    Patch(
        name="no-hits",
        why="a search without a hit says so",
        file="frontend/src/components/LeftSidebar/Search.tsx",
        old='f.jsx(oA,{children:f.jsx(Ot,{path:"threadHistory.sidebar.empty"})})',
        new='f.jsx(oA,{children:a?kimi.text.noHits:f.jsx(Ot,{path:"threadHistory.sidebar.empty"})})',
    ),
    Patch(
        name="hit",
        why="a hit shows the day and the words around the match",
        file="frontend/src/components/LeftSidebar/Search.tsx",
        old='children:f.jsx("div",{className:"line-clamp-2",children:y.name||"Untitled Conversation"})}',
        new="children:f.jsx(kimi.chats.Hit,{jsx:f.jsx,chat:y})}",
    ),
    Patch(
        name="hit-opens",
        why="a hit opens its chat at the message",
        file="frontend/src/components/LeftSidebar/Search.tsx",
        old="onSelect:()=>{r(!1),e(`/thread/${y.id}`)}",
        new="onSelect:()=>{r(!1),kimi.chats.openHit(y),e(`/thread/${y.id}`)}",
    ),
)
