{
  "targets": [
    {
      "target_name": "tidegate",
      "sources": [
        "<!@(cat native/sources.txt)",
        "native/bench/flow_datagrams.cpp",
        "native/bench/flows.cpp",
        "native/bench/packets.cpp",
        "native/door/addon.cpp",
        "native/door/addon_bench.cpp",
        "native/door/addon_engine.cpp",
        "native/door/addon_fields.cpp",
        "native/door/addon_flow.cpp",
        "native/door/addon_flow_options.cpp",
        "native/door/addon_meter.cpp",
        "native/door/addon_source.cpp",
        "native/door/addon_ingress.cpp",
        "native/door/addon_tap.cpp",
        "native/door/addon_witness.cpp"
      ],
      "include_dirs": ["node_modules/node-addon-api"],
      "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS", "NDEBUG"],
      "cflags!": ["-O2", "-fno-omit-frame-pointer"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": ["-std=c++20", "-O3", "-fexceptions", "-fvisibility=hidden", "-pthread", "-Wall", "-Wextra"],
      "ldflags": ["-pthread"]
    }
  ]
}
