%% SPDX-License-Identifier: Apache-2.0
%% Ports with {packet, 4}: two programs that square, no broker between. Each call is a message of its own.
%%
%%     erl -noshell -run erlang_port main WORKER round_trip|tracked SECONDS
-module(erlang_port).
-export([main/1]).

-define(WINDOW, 256).

main([Worker, What, Seconds]) ->
    Duration = round(list_to_float_or_integer(Seconds) * 1000000),
    Report = case What of
        "round_trip" -> round_trip(Worker, Duration);
        "tracked" -> tracked(Worker, Duration)
    end,
    io:format("~s~n", [Report]),
    halt(0).

list_to_float_or_integer(Text) ->
    try list_to_float(Text) catch error:badarg -> list_to_integer(Text) end.

open(Worker) -> open_port({spawn_executable, Worker}, [{packet, 4}, binary, use_stdio]).

now_us() -> erlang:monotonic_time(microsecond).

send(Port, N) -> port_command(Port, <<N:64>>).

receive_one(Port) ->
    receive {Port, {data, <<Square:64>>}} -> Square end.

round_trip(Worker, Duration) ->
    Port = open(Worker),
    [call(Port) || _ <- lists:seq(1, 500)],
    Times = lists:sort(trips(Port, now_us() + Duration, [])),
    Count = length(Times),
    io_lib:format("{\"p50_us\":~.2f,\"p99_us\":~.2f,\"runs\":~b}",
                  [lists:nth(Count div 2 + 1, Times) / 1000, lists:nth(Count * 99 div 100 + 1, Times) / 1000, Count]).

call(Port) ->
    send(Port, 12),
    144 = receive_one(Port).

trips(Port, End, Times) ->
    Start = erlang:monotonic_time(nanosecond),
    call(Port),
    Stop = erlang:monotonic_time(nanosecond),
    case Stop div 1000 < End of
        true -> trips(Port, End, [Stop - Start | Times]);
        false -> [Stop - Start | Times]
    end.

%% Each port has a process of its own, so that both processors send.
tracked(Worker, Duration) ->
    Self = self(),
    Start = now_us(),
    Senders = [spawn_link(fun() -> Self ! {done, self(), pipelined(open(Worker), Start + Duration)} end) || _ <- [1, 2]],
    Answered = lists:sum([receive {done, Sender, Count} -> Count end || Sender <- Senders]),
    io_lib:format("{\"per_s\":~.1f}", [Answered * 1000000 / (now_us() - Start)]).

pipelined(Port, End) ->
    [send(Port, N) || N <- lists:seq(1, ?WINDOW)],
    answers(Port, End, 1).

answers(Port, End, N) ->
    Square = N * N,
    Square = receive_one(Port),
    case N rem 1024 =/= 0 orelse now_us() < End of
        true ->
            send(Port, N + ?WINDOW),
            answers(Port, End, N + 1);
        false ->
            [receive_one(Port) || _ <- lists:seq(2, ?WINDOW)],
            N + ?WINDOW - 1
    end.
